"""`no-gradient`: parameters that the loss does not reach."""

from __future__ import annotations

from .anatomy import Anatomy
from .finding import Cell, Evidence, Finding, NotApplied, Seen
from .rule import AuditRule

ID = "no-gradient"
MOST_SHOWN = 12


def look(anatomy: Anatomy) -> Seen:
    trace = anatomy.trace
    trained = [v for v in trace.values if v.kind == "parameter" and v.id not in trace.frozen]
    if not trained:
        raise NotApplied("the model has no parameters that are trained")
    missed = [value for value in trained if value.id not in trace.gradients]
    if not missed:
        frozen = f"; {len(trace.frozen)} are frozen" if trace.frozen else ""
        return Seen(f"all {len(trained)} trained parameters have a gradient{frozen}")
    used = {value.id: bool(trace.consumers.get(value.id)) for value in missed}
    rows: list[tuple[Cell, ...]] = [
        (value.name or "", int(value.array.size), "cut off" if used[value.id] else "not used")
        for value in missed[:MOST_SHOWN]
    ]
    names = ", ".join(value.name or "" for value in missed[:3])
    more = f" and {len(missed) - 3} more" if len(missed) > 3 else ""
    cut = any(used.values())
    return Seen(
        "parameters without a gradient",
        (
            Finding(
                ID,
                "warning",
                f"the loss does not reach {len(missed)} of {len(trained)} trained parameters: "
                f"{names}{more}.",
                Evidence(
                    ("parameter", "numbers", "in this run"),
                    tuple(rows),
                    {"parameters": len(missed), "of": len(trained)},
                ),
                "Look for a detach, a no_grad or an argmax between these and the loss."
                if cut
                else "Use these layers in forward, or take them out; freeze them by "
                "requires_grad_(False) if they are not meant to learn.",
            ),
        ),
    )


RULE = AuditRule(ID, "parameters that the loss does not reach", "gradients split by term", look)
