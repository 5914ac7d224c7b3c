"""`not-finite`: the first operation that made an inf or NaN, and what went into it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...engine.backward_pass import shares
from ...engine.graph import BoundOperation
from ...trace import Array
from .anatomy import Anatomy
from .finding import Cell, Evidence, Finding, Seen
from .lineage import is_elementwise
from .rule import AuditRule

ID = "not-finite"


def look(anatomy: Anatomy) -> Seen:
    if anatomy.finite:
        return Seen("the loss and every gradient are finite")
    in_loss = not _finite(anatomy.values[anatomy.trace.output])
    finding = _forward(anatomy) if in_loss else _backward(anatomy)
    return Seen("where the first inf or NaN comes from", (finding,))


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _error(
    message: str, rows: Iterable[tuple[Cell, ...]], mend: str, op: str = "", value: str = ""
) -> Finding:
    facts = {"op": op, "value": value} if op else {}
    columns = "value", "lowest", "highest", "not finite"
    return Finding(ID, "error", message, Evidence(columns, tuple(rows), facts), mend)


def _forward(anatomy: Anatomy) -> Finding:
    """Follow what is not finite from the loss back to the op that made it from finite numbers.

    An inf that something behind it took away again, as a softmax does with a mask, is not
    on that way.
    """
    lineage = anatomy.lineage
    current = anatomy.trace.output
    while sources := [i for i in lineage.made_from(current) if not _finite(anatomy.values[i])]:
        current = sources[0]
    bound, name = lineage.graph.producer(current), lineage.name(current)
    kinds = _kinds(anatomy.values[current])
    rows = [_row(anatomy, number) for number in (*lineage.made_from(current), current)]
    if bound is None:
        kind = anatomy.trace.values[current].kind
        message = f"{name} ({kind}) holds {kinds} from the start."
        return _error(message, rows, f"Give {name} finite numbers.")
    op = bound.operation.name
    return _error(
        f"{op} is the first operation that is not finite: it makes {kinds} in {name} from finite "
        "numbers.",
        rows,
        _mend(anatomy, bound, name),
        op,
        name,
    )


def _backward(anatomy: Anatomy) -> Finding:
    """Find the first operation, from the loss back, whose gradient was finite and made one not."""
    gradients = anatomy.run.gradients
    for bound in reversed(anatomy.lineage.graph.operations):
        upstream = gradients.get(bound.output)
        if upstream is None or not _finite(upstream):
            continue
        for number in anatomy.lineage.made_from(bound.output):
            if number in gradients and _spoils(anatomy, bound, number):
                name, op = anatomy.lineage.name(number), bound.operation.name
                return _error(
                    f"the loss is finite, but {op} makes {_kinds(gradients[number])} of the "
                    f"gradient at {name}.",
                    (
                        _row(anatomy, number),
                        _row(anatomy, bound.output),
                        _range("its gradient going in", upstream),
                        _range("its gradient coming out", gradients[number]),
                    ),
                    f"Keep {name} away from where {op} has no slope, as by a small number added "
                    "inside.",
                    op,
                    f"{name}.grad",
                )
    name = next(
        anatomy.lineage.name(number)
        for number, gradient in sorted(gradients.items(), reverse=True)
        if not _finite(gradient)
    )
    return _error(
        f"the loss is finite, but the gradient at {name} is not.",
        [_row(anatomy, anatomy.trace.output)],
        f"Look at what {name} goes into.",
    )


def _spoils(anatomy: Anatomy, bound: BoundOperation, number: int) -> bool:
    """Whether an operation passes a gradient that is not finite to one of its inputs.

    The gradient there adds up what all that used the value pass back, so it alone would not
    tell which of them it was.
    """
    gradients = anatomy.run.gradients
    if _finite(gradients[number]):
        return False
    users = [user for user in anatomy.lineage.graph.consumers(number) if user.output in gradients]
    if any(not _finite(gradients[user.output]) for user in users):
        return False
    if bound.rule is None or len(users) == 1:
        return True
    with np.errstate(all="ignore"):
        mine = shares(bound, gradients[bound.output], anatomy.values, {number})
        return any(not _finite(share) for _, share in mine)


def _row(anatomy: Anatomy, number: int) -> tuple[Cell, ...]:
    return _range(anatomy.lineage.name(number), anatomy.values[number])


def _range(name: str, array: Array) -> tuple[Cell, ...]:
    flat = np.asarray(array, dtype=np.float64).ravel()
    good = flat[np.isfinite(flat)]
    lowest, highest = (float(good.min()), float(good.max())) if good.size else ("-", "-")
    return (name, lowest, highest, int(flat.size - good.size))


def _kinds(array: Array) -> str:
    counts = {"NaN": np.isnan(array).sum(), "inf": np.isinf(array).sum()}
    return " and ".join(f"{int(count):,} {word}" for word, count in counts.items() if count)


LARGEST_EXPONENT = 1000
MENDS = {
    "log": "Keep what goes into log above 0: add a small number, or use the form that takes "
    "logits or log-probabilities.",
    "sqrt": "Keep what goes into sqrt at 0 or above.",
    "div": "Keep what is divided by away from 0.",
}


def _mend(anatomy: Anatomy, bound: BoundOperation, name: str) -> str:
    op = bound.rule_name
    if op == "pow":
        return _mend_of_a_power(anatomy.values[bound.output])
    if (limit := _limit(bound)) is not None and np.isinf(anatomy.values[bound.output]).any():
        return (
            f"Keep what goes into {op} below about {limit:.0f}, where float32 ends: clamp the "
            "log-variance."
        )
    return MENDS.get(op, f"Bring the numbers that go into {name} nearer to 1.")


def _limit(bound: BoundOperation) -> float | None:
    """Return the last whole number that a function keeps within float32; None where it is large.

    So an exponential is known from what grows more slowly, whatever its name.
    """
    if bound.rule is None or not is_elementwise(bound) or len(bound.operands) != 1:
        return None
    asked = np.arange(1.0, LARGEST_EXPONENT)
    with np.errstate(all="ignore"):
        sizes = np.abs(bound.rule.forward(asked, **bound.attributes))
    gone = np.flatnonzero(sizes > np.finfo(np.float32).max)
    return float(gone[0]) if gone.size else None


def _mend_of_a_power(power: Array) -> str:
    if np.isnan(power).any():
        return "Keep what is raised at 0 or above: a negative number has no power with a fraction."
    return "Use smaller numbers: a power of them leaves float32."


RULE = AuditRule(ID, "the first operation that made an inf or NaN", "the recorded graph", look)
