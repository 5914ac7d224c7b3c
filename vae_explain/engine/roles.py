"""Which part of a VAE a value belongs to, and which value is z, the noise, the reconstruction.

Told from the recorded graph, not from names: the latent part is the noise, what it is
combined with element by element, and what has its shape without a layer in between.
"""

from __future__ import annotations

from typing import Literal

from .formulas import Steps
from .run import Run

Section = Literal["encoder", "latent", "decoder", "loss", "model"]


def section_of(run: Run, number: int) -> Section:
    """Return the part of the model that a value belongs to; `model` when nothing is drawn."""
    values, graph = run.trace.values, run.graph
    ends = {run.trace.output, *(term.value for term in run.trace.terms)}
    if any(end in graph.ancestors(number) for end in ends):
        return "loss"
    draws = [value for value in values if value.kind == "noise"]
    if not draws:
        return "model"
    behind = graph.ancestors(number)
    drawn = next((draw for draw in draws if draw.id in behind), None)
    draw = drawn or draws[0]
    elementwise = values[number].shape == draw.shape and not _uses_parameters(run, number)
    if drawn is None:
        return "latent" if elementwise else "encoder"
    return "latent" if elementwise else "decoder"


def _uses_parameters(run: Run, number: int) -> bool:
    """Whether the step that made a value, back to the named ones, has a parameter in it."""
    values, producer = run.trace.values, run.trace.producer
    stack = [number]
    while stack:
        position = producer.get(stack.pop())
        if position is None:
            continue
        for source in run.trace.operations[position].inputs:
            if values[source].kind == "parameter":
                return True
            if values[source].name is None:
                stack.append(source)
    return False


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
    return tuple(
        value.name or ""
        for value in run.trace.values
        if value.kind == "noise" and value.id not in standard
    )


def latents(run: Run) -> tuple[int, ...]:
    """Return the named values that a draw makes with what it is combined with, as z."""
    drawn = set(standard_draws(run))
    values, graph = run.trace.values, run.graph
    return tuple(
        number
        for number in Steps(run).named()
        if values[number].kind == "intermediate"
        and values[number].shape
        and drawn & graph.ancestors(number)
        and section_of(run, number) == "latent"
    )


def reconstruction(run: Run) -> int | None:
    """Return the value that a loss term compares with the input; None when there is none.

    The term has the input and one computed value of the same shape among what it is made of.
    """
    values, steps = run.trace.values, Steps(run)
    for end in (*(term.value for term in run.trace.terms), run.trace.output):
        inputs = steps.inputs(end)
        for given in (values[i] for i in inputs if values[i].kind == "input"):
            made = [
                i for i in inputs
                if values[i].kind == "intermediate" and values[i].shape == given.shape
            ]  # fmt: skip
            if len(made) == 1:
                return made[0]
    return None
