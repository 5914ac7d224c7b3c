"""`not-finite`: the first operation that made an inf or NaN, and what went into it."""

from __future__ import annotations

import numpy as np

from ...engine.first_not_finite import Cause, first_not_finite, kinds_of
from ...trace import Array
from .anatomy import Anatomy
from .finding import Cell, Evidence, Finding, Seen
from .rule import AuditRule

ID = "not-finite"


def look(anatomy: Anatomy) -> Seen:
    cause = first_not_finite(anatomy.run)
    if cause is None:
        return Seen("the loss and every gradient are finite")
    return Seen("where the first inf or NaN comes from", (_finding(anatomy, cause),))


def _finding(anatomy: Anatomy, cause: Cause) -> Finding:
    lineage, bound = anatomy.lineage, cause.operation
    name = lineage.name(cause.value)
    facts: dict[str, Cell] = {}
    if bound is not None:
        value = f"{name}.grad" if cause.of_gradient else name
        facts = {"op": bound.operation.name, "value": value}
    if cause.of_gradient:
        gradients = anatomy.run.gradients
        found = kinds_of(gradients[cause.value])
        title = f"{cause.why}: it makes {found} of the gradient there."
        rows = [_row(anatomy, cause.value)]
        if bound is not None:
            rows += [
                _row(anatomy, bound.output),
                _range("its gradient going in", gradients[bound.output]),
                _range("its gradient coming out", gradients[cause.value]),
            ]
    elif bound is None:
        title = f"{cause.why}: it holds {kinds_of(anatomy.values[cause.value])}."
        rows = [_row(anatomy, cause.value)]
    else:
        title = (
            f"{bound.operation.name} is the first operation that is not finite, with "
            f"{kinds_of(anatomy.values[cause.value])} in {name}: {cause.why}."
        )
        rows = [_row(anatomy, number) for number in (*lineage.made_from(cause.value), cause.value)]
    evidence = Evidence(("value", "lowest", "highest", "not finite"), tuple(rows), facts)
    return Finding(ID, "error", title, evidence, cause.mend)


def _row(anatomy: Anatomy, number: int) -> tuple[Cell, ...]:
    return _range(anatomy.lineage.name(number), anatomy.values[number])


def _range(name: str, array: Array) -> tuple[Cell, ...]:
    flat = np.asarray(array, dtype=np.float64).ravel()
    good = flat[np.isfinite(flat)]
    lowest, highest = (float(good.min()), float(good.max())) if good.size else ("-", "-")
    return (name, lowest, highest, int(flat.size - good.size))


RULE = AuditRule(ID, "the first operation that made an inf or NaN", "the recorded graph", look)
