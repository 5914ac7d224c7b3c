"""Which part of a VAE a value belongs to, and which value is z, the noise, the reconstruction.

The recorded graph decides, not the names: the latent part is the noise, what it is
combined with element by element, and what has its shape without a layer in between.
"""

from __future__ import annotations

from typing import Literal

from .formulas import Steps
from .run import Run

Section = Literal["encoder", "latent", "decoder", "loss", "model"]


def section_of(run: Run, value_id: int) -> Section:
    """Return the part of the model that a value belongs to; `model` when nothing is drawn."""
    values, graph = run.trace.values, run.graph
    ends = {run.trace.output, *(term.value for term in run.trace.terms)}
    if graph.depends(value_id, ends):
        return "loss"
    draws = run.trace.draws
    if not draws:
        return "model"
    drawn = next((draw for draw in draws if graph.depends(value_id, [draw.id])), None)
    has_layer = any(values[each].kind == "parameter" for each in graph.step_inputs(value_id))
    if values[value_id].shape == (drawn or draws[0]).shape and not has_layer:
        return "latent"
    return "decoder" if drawn else "encoder"


def standard_draws(run: Run) -> tuple[int, ...]:
    """Return the draws from the standard normal, in the order in which they were drawn."""
    operations = run.trace.operations
    return tuple(
        output
        for operation in operations
        if operation.kwargs.get("standard")
        for output in operation.outputs
    )


def other_draws(run: Run) -> tuple[str, ...]:
    """Return the names of what was drawn from anything else, as a dropout's mask is."""
    standard = set(standard_draws(run))
    return tuple(draw.name or "" for draw in run.trace.draws if draw.id not in standard)


def latents(run: Run) -> tuple[int, ...]:
    """Return the named values that a draw makes with what it is combined with, as z."""
    drawn = set(standard_draws(run))
    values, graph = run.trace.values, run.graph
    return tuple(
        value_id
        for value_id in Steps(run).named()
        if values[value_id].kind == "intermediate"
        and values[value_id].shape
        and graph.depends(value_id, drawn)
        and section_of(run, value_id) == "latent"
    )


def reconstruction(run: Run) -> int | None:
    """Return the value that a loss term compares with the input; None when there is none.

    The term has the input and one computed value of the same shape among what it is made of.
    """
    values, steps = run.trace.values, Steps(run)
    for end in (*(term.value for term in run.trace.terms), run.trace.output):
        inputs = steps.inputs(end)
        for input_value in (values[i] for i in inputs if values[i].kind == "input"):
            made = [
                i for i in inputs
                if values[i].kind == "intermediate" and values[i].shape == input_value.shape
            ]  # fmt: skip
            if len(made) == 1:
                return made[0]
    return None
