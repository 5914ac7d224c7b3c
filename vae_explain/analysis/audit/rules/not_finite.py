"""`not-finite`: the first operation that made an inf or NaN, and what went into it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....engine.first_not_finite import Cause, first_not_finite, kinds_of
from ....trace import Array
from ..evidence.anatomy import Anatomy
from ..evidence.finding import Cell, Finding, error
from .rule import AuditRule


def look(anatomy: Anatomy) -> Iterator[Finding]:
    cause = first_not_finite(anatomy.run)
    if cause is not None:
        yield _first(anatomy, cause)


def _first(anatomy: Anatomy, cause: Cause) -> Finding:
    bound, gradients = cause.operation, anatomy.run.gradients
    name = anatomy.name(cause.value)
    rows = [_row(anatomy, cause.value)]
    facts: dict[str, Cell] = {}
    if bound is not None:
        value = f"{name}.grad" if cause.of_gradient else name
        facts = {"op": bound.operation.name, "value": value}
    if cause.of_gradient:
        kinds = kinds_of(gradients[cause.value])
        title = f"{cause.why}: it makes {kinds} of the gradient there."
        if bound is not None:
            rows += [
                _row(anatomy, bound.output),
                _range("its gradient going in", gradients[bound.output]),
                _range("its gradient coming out", gradients[cause.value]),
            ]
    elif bound is None:
        title = f"{cause.why}: it holds {kinds_of(anatomy.values[cause.value])}."
    else:
        title = (
            f"{bound.operation.name} is the first operation that is not finite, with "
            f"{kinds_of(anatomy.values[cause.value])} in {name}: {cause.why}."
        )
        rows = [*(_row(anatomy, value_id) for value_id in anatomy.made_from(cause.value)), *rows]
    columns = "value", "lowest", "highest", "not finite"
    return error(title, columns, rows, cause.mend, facts=facts)


def _row(anatomy: Anatomy, value_id: int) -> tuple[Cell, ...]:
    return _range(anatomy.name(value_id), anatomy.values[value_id])


def _range(name: str, array: Array) -> tuple[Cell, ...]:
    flat = np.asarray(array, dtype=np.float64).ravel()
    good = flat[np.isfinite(flat)]
    lowest, highest = (float(good.min()), float(good.max())) if good.size else ("-", "-")
    return (name, lowest, highest, int(flat.size - good.size))


RULE = AuditRule(
    "not-finite",
    "the first operation that made an inf or NaN",
    "the recorded graph",
    "the loss and every gradient are finite",
    look,
)
