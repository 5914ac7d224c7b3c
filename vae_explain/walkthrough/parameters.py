"""The parameters page: the architecture, and all weights and biases."""

from __future__ import annotations

from ..architecture import Architecture
from ..blocks import Block, Checks, Column, Diagram, Heading, Note, Summary, Table, Walkthrough
from ..run import Run
from ..trace import Array
from .captions import counted
from .page import arithmetic_words, heading_line, summary_note
from .tensors import tensor


def parameters(run: Run, architecture: Architecture | None = None) -> tuple[Walkthrough, Checks]:
    """Compose the parameters page, with the layers when it is the built-in VAE's."""
    title, remarks = heading_line(run), (arithmetic_words(run),)
    blocks = _of_any_model(run) if architecture is None else _built_in(run, architecture)
    blocks += summary_note(blocks)
    return Walkthrough("params", title, remarks, tuple(blocks)), Checks()


def _of_any_model(run: Run) -> list[Block]:
    found = [value for value in run.trace.values if value.kind == "parameter" and value.name]
    total = sum(value.array.size for value in found)
    blocks: list[Block] = [Heading(1, "Parameters", counted(total, "number"))]
    for value in found:
        blocks.append(_tensor(value.name or "", run.values[value.id]))
    return blocks


def _built_in(run: Run, architecture: Architecture) -> list[Block]:
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
                blocks.append(_tensor(full, run.array(full)))
    summarised = any(isinstance(block, Summary) for block in blocks)
    how = "shown, large tensors in summary" if summarised else "shown"
    blocks.append(Note(f"{counted(total, 'parameter')} {how}."))
    return blocks


def _tensor(name: str, array: Array) -> Block:
    return tensor(name, array, "parameter", "parameter", ask=name)


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
