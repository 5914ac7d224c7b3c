"""The parameters page: the architecture, and all weights and biases."""

from __future__ import annotations

from ..architecture import Architecture
from ..blocks import Block, Checks, Column, Diagram, Heading, Matrix, Note, Table, Walkthrough
from ..run import Run
from .captions import counted
from .page import arithmetic_words, heading_line

def parameters(run: Run, architecture: Architecture) -> tuple[Walkthrough, Checks]:
    """Compose the parameters page of the built-in VAE."""
    layers = architecture.layers
    total = sum(layer.count for layer in layers)
    names = [layer.name for layer in layers]
    parts = {
        "encoder": [name for name in names if not name.startswith("fc_dec")],
        "decoder": [name for name in names if name.startswith("fc_dec")],
    }
    columns = (
        Column("layer", "text"),
        Column("from", "value"),
        Column("to", "value"),
        Column("then", "text"),
        Column("weight", "text"),
        Column("bias", "text"),
        Column("parameters", "value"),
    )
    rows = tuple(
        (
            layer.name,
            layer.inputs,
            layer.outputs,
            layer.activation or "nothing",
            f"[{layer.outputs}, {layer.inputs}]",
            f"[{layer.outputs}]",
            layer.count,
        )
        for layer in layers
    )
    blocks: list[Block] = [
        Heading(1, "Architecture", counted(total, "parameter")),
        Diagram(stages(architecture)),
        Table(columns, rows),
    ]
    for number, (part, names) in enumerate(parts.items(), start=2):
        blocks.append(Heading(number, part.capitalize(), f"seed {run.seed}"))
        for name in names:
            for kind in ("weight", "bias"):
                full = f"{name}.{kind}"
                blocks.append(Matrix(full, run.array(full), "parameter", "parameter"))
    blocks.append(
        Note(f"{counted(total, 'parameter')} shown, as PyTorch draws them for this seed.")
    )
    remarks = (arithmetic_words(run),)
    return Walkthrough("params", heading_line(run), remarks, tuple(blocks)), Checks()


def stages(architecture: Architecture) -> tuple[tuple[str, str], ...]:
    """Return what stands in each place from input to reconstruction, with its width."""
    found = [("x", f"[{architecture.input_size}]")]
    for layer in architecture.layers:
        if layer.name == "fc_logvar":
            continue  # beside fc_mu
        if layer.name == "fc_mu":
            found.append(("fc_mu and fc_logvar", f"[{layer.outputs}] each"))
            found.append(("z = mu + std·eps", f"[{layer.outputs}]"))
            continue
        then = f", {layer.activation}" if layer.activation else ""
        found.append((f"{layer.name}{then}", f"[{layer.outputs}]"))
    found[-1] = (f"{found[-1][0]} = recon_x", found[-1][1])
    return tuple(found)
