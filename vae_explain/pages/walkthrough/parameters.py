"""The parameters page: the architecture, and all weights and biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...engine.index_ranges import Source
from ...engine.run import Run
from ...models.builtin_config import Architecture, Layer
from ...ops import RULES
from ..blocks import Block, Column, Heading, Note, Prose, Summary, Table, Walkthrough
from ..checks import Checks
from ..phrases import counted
from ..pictured import Diagram
from .draft import numbered, summary_note, table
from .header import arithmetic_words, heading_line, loss_words, once
from .repeated import same_as
from .tensors import tensor


def parameters(
    run: Run,
    architecture: Architecture | None = None,
    written: Sequence[str] = (),
    only: Sequence[str] = (),
) -> tuple[Walkthrough, Checks]:
    """Compose the parameters page, with the layers when it is the built-in VAE's.

    Parameters
    ----------
    written
        Says in words what was written to files.
    only
        The names of the parameters to show alone; all of them when empty.
    """
    title = heading_line(run)
    remarks = *loss_words(run.loss_call), arithmetic_words(run), *once(run.varies)
    blocks: list[Block] = [_tensor(run, name) for name in only]
    blocks = blocks or compose(run, architecture)
    notes = (*summary_note(blocks), *map(Note, written))
    return Walkthrough("params", title, remarks, (*blocks, *notes)), Checks()


def compose(run: Run, architecture: Architecture | None = None) -> list[Block]:
    """Return the page's blocks, for one that is part of a document."""
    return numbered(_of_any_model(run) if architecture is None else _built_in(run, architecture))


def _of_any_model(run: Run) -> list[Block]:
    blocks = matrices(run) or [Prose("This model has none.")]
    total = sum(value.array.size for value in run.trace.parameters if value.name)
    return [Heading(0, "Parameters", counted(total, "number")), *blocks]


def _built_in(run: Run, architecture: Architecture) -> list[Block]:
    total = sum(layer.count for layer in architecture.layers)
    blocks = matrices(run, architecture)
    summarised = any(isinstance(block, Summary) for block in blocks)
    how = "shown, large tensors in summary" if summarised else "shown"
    return [
        Heading(0, "Architecture", counted(total, "parameter")),
        Diagram(stages(architecture)),
        layers(architecture),
        *blocks,
        Note(f"{counted(total, 'parameter')} {how}."),
    ]


def matrices(
    run: Run, architecture: Architecture | None = None, like: Mapping[int, int] | None = None
) -> list[Block]:
    """Return every parameter: the built-in VAE's by encoder and decoder, others in order.

    The sections are numbered later, as those of a page or of a chapter. Those of `like` are left
    out, see `repeated.py`.
    """
    blocks: list[Block] = []
    if architecture is None:
        like = like or {}
        for value in run.trace.parameters:
            if value.name and value.id not in like:
                blocks += [
                    _tensor(run, value.name),
                    *same_as(run, like, value.id, "Of the same kind"),
                ]
        return blocks
    came_from = "from a file" if run.weights_given else f"seed {run.seed}"
    for part in ("Encoder", "Decoder"):
        blocks.append(Heading(0, part, came_from))
        blocks += [
            _tensor(run, f"{layer.name}.{kind}")
            for layer in architecture.layers
            if layer.name.startswith("fc_dec") == (part == "Decoder")
            for kind in ("weight", "bias")
        ]
    return blocks


def layers(architecture: Architecture) -> Table:
    """Return the layers of the built-in VAE, one a row."""
    return table(
        architecture.layers,
        (Column("layer", "text"), lambda layer: layer.name),
        (Column("in", "value"), lambda layer: layer.inputs),
        (Column("out", "value"), lambda layer: layer.outputs),
        (Column("activation", "text"), lambda layer: _activation_words(layer) or "none"),
        (Column("weight", "text"), lambda layer: f"[{layer.outputs}, {layer.inputs}]"),
        (Column("bias", "text"), lambda layer: f"[{layer.outputs}]"),
        (Column("parameters", "value"), lambda layer: layer.count),
    )


def _tensor(run: Run, name: str) -> Block:
    source = Source(run.value(name).id)
    return tensor(name, run.array(name), "parameter", "parameter", ask=name, source=source)


def _activation_words(layer: Layer) -> str:
    """Return what a reader calls the activation behind a layer; nothing where there is none."""
    return RULES[layer.activation].title if layer.activation else ""


def stages(architecture: Architecture) -> tuple[tuple[str, str], ...]:
    """Return what stands in each place from input to reconstruction, with its width."""
    places = [("x", f"[{architecture.input_size}]")]
    for layer in architecture.layers:
        if layer.name == "fc_logvar":
            continue  # beside fc_mu
        if layer.name == "fc_mu":
            places.append(("fc_mu and fc_logvar", f"[{layer.outputs}] each"))
            places.append(("z = mu + std·eps", f"[{layer.outputs}]"))
            continue
        then = f", {_activation_words(layer)}" if layer.activation else ""
        places.append((f"{layer.name}{then}", f"[{layer.outputs}]"))
    places[-1] = (f"{places[-1][0]} = recon_x", places[-1][1])
    return tuple(places)
