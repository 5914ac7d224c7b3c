"""Which value plays which part in a VAE: told from what was recorded, not from names."""

from __future__ import annotations

from .run import Run
from .sections import section_of
from .steps import Steps


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
