"""What a page says of a run that is not finite: the first number that is not, and why."""

from __future__ import annotations

from ...engine.first_not_finite import Cause, first_not_finite, kinds_of
from ...engine.not_finite_reasons import called
from ...engine.run import Run
from ..blocks import Block, Heading, Note, Prose


def stops_at(run: Run) -> int | None:
    """Return the first named value with a number that is not finite; None where there is none."""
    cause = first_not_finite(run)
    if cause is None or cause.of_gradient:
        return None
    named = [value.id for value in run.trace.values if value.name]
    return next((n for n in named if run.graph.depends(n, [cause.value])), None)


def cause_section(run: Run, value_id: int) -> list[Block]:
    """Return the section on what is not finite, with its number; nothing for a run that is."""
    cause = first_not_finite(run)
    if cause is None:
        return []
    return [
        Heading(value_id, "Not finite", called(run, cause.value)),
        Note(sentence(run, cause), "failure"),
        Prose(f"To change: {cause.mend}"),
    ]


def sentence(run: Run, cause: Cause) -> str:
    """Say which value is the first that is not finite, and why."""
    name = called(run, cause.value)
    if cause.of_gradient:
        return f"{cause.why}: the gradient there holds {kinds_of(run.gradients[cause.value])}."
    kinds = kinds_of(run.values[cause.value])
    if cause.operation is None:
        return f"{cause.why}: it holds {kinds}."
    return (
        f"{name} is the first value that is not finite, with {kinds}, made by "
        f"{cause.operation.operation.name}: {cause.why}."
    )
