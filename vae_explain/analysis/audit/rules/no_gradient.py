"""`no-gradient`: parameters that the loss does not reach."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.anatomy import Anatomy
from ..evidence.finding import NotApplied, warning
from .rule import AuditRule, Told

MOST_SHOWN = 12


def look(anatomy: Anatomy) -> Iterator[Told]:
    trace, trained = anatomy.trace, anatomy.trained
    if not trained:
        raise NotApplied("the model has no parameters that are trained")
    missed = [value for value in trained if value.id not in trace.gradients]
    if not missed:
        frozen = f"; {len(trace.frozen)} are frozen" if trace.frozen else ""
        yield f"all {len(trained)} trained parameters have a gradient{frozen}"
        return
    used = {value.id: bool(trace.consumers.get(value.id)) for value in missed}
    names = ", ".join(value.name or "" for value in missed[:3])
    more = f" and {len(missed) - 3} more" if len(missed) > 3 else ""
    yield warning(
        f"the loss does not reach {len(missed)} of {len(trained)} trained parameters: "
        f"{names}{more}.",
        ("parameter", "numbers", "in this run"),
        [
            (value.name or "", value.array.size, "cut off" if used[value.id] else "not used")
            for value in missed[:MOST_SHOWN]
        ],
        "Look for a detach, a no_grad or an argmax between these and the loss."
        if any(used.values())
        else "Use these layers in forward, or take them out; freeze them by "
        "requires_grad_(False) if they are not meant to learn.",
        facts={"parameters": len(missed), "of": len(trained)},
    )


RULE = AuditRule(
    "no-gradient",
    "parameters that the loss does not reach",
    "gradients split by term",
    "all trained parameters have a gradient",
    look,
)
