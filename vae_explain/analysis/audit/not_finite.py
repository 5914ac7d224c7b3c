"""`not-finite`: the first operation that made an inf or NaN, and what went into it."""

from __future__ import annotations

import numpy as np

from ...engine.backward_pass import shares
from ...engine.graph import BoundOperation
from ...trace import Array
from .anatomy import Anatomy
from .finding import Cell, Evidence, Finding, Seen
from .rule import AuditRule

ID = "not-finite"


def look(anatomy: Anatomy) -> Seen:
    if anatomy.finite:
        return Seen("the loss and every gradient are finite")
    finding = (
        _forward(anatomy)
        if not _finite(anatomy.values[anatomy.trace.output])
        else _backward(anatomy)
    )
    return Seen("where the first inf or NaN comes from", (finding,))


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _forward(anatomy: Anatomy) -> Finding:
    """Follow what is not finite from the loss back to the op that made it from finite numbers.

    An inf that something behind it took away again, as a softmax does with a mask, is not
    on that way.
    """
    facts = anatomy.facts
    current = anatomy.trace.output
    while True:
        sources = [i for i in facts.made_from(current) if not _finite(anatomy.values[i])]
        if not sources:
            break
        current = sources[0]
    bound = facts.graph.producer(current)
    name = facts.name(current)
    if bound is None:
        kind = anatomy.trace.values[current].kind
        return Finding(
            ID,
            "error",
            f"{name} ({kind}) holds {_kinds(anatomy.values[current])} from the start.",
            Evidence(("value", "lowest", "highest", "not finite"), (_row(anatomy, current),)),
            f"Give {name} finite numbers.",
        )
    inputs = facts.made_from(current)
    return Finding(
        ID,
        "error",
        f"{bound.operation.name} is the first operation that is not finite: it makes "
        f"{_kinds(anatomy.values[current])} in {name} from finite numbers.",
        Evidence(
            ("value", "lowest", "highest", "not finite"),
            (*(_row(anatomy, i) for i in inputs), _row(anatomy, current)),
            {"op": bound.operation.name, "value": name},
        ),
        _mend(anatomy, bound, name),
    )


def _backward(anatomy: Anatomy) -> Finding:
    """Find the first operation, from the loss back, whose gradient was finite and made one not."""
    gradients = anatomy.run.gradients
    for bound in reversed(anatomy.facts.graph.operations):
        upstream = gradients.get(bound.output)
        if upstream is None or not _finite(upstream):
            continue
        for number in anatomy.facts.made_from(bound.output):
            if number in gradients and _spoils(anatomy, bound, number):
                name = anatomy.facts.name(number)
                return Finding(
                    ID,
                    "error",
                    f"the loss is finite, but {bound.operation.name} makes "
                    f"{_kinds(gradients[number])} of the gradient at {name}.",
                    Evidence(
                        ("value", "lowest", "highest", "not finite"),
                        (
                            _row(anatomy, number),
                            _row(anatomy, bound.output),
                            _range("its gradient going in", upstream),
                            _range("its gradient coming out", gradients[number]),
                        ),
                        {"op": bound.operation.name, "value": f"{name}.grad"},
                    ),
                    f"Keep {name} away from where {bound.operation.name} has no slope, as by a "
                    "small number added inside.",
                )
    name = next(
        anatomy.facts.name(number)
        for number, gradient in sorted(gradients.items(), reverse=True)
        if not _finite(gradient)
    )
    return Finding(
        ID,
        "error",
        f"the loss is finite, but the gradient at {name} is not.",
        Evidence(
            ("value", "lowest", "highest", "not finite"), (_row(anatomy, anatomy.trace.output),)
        ),
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
    users = [user for user in anatomy.facts.graph.consumers(number) if user.output in gradients]
    if any(not _finite(gradients[user.output]) for user in users):
        return False
    if bound.rule is None or len(users) == 1:
        return True
    with np.errstate(all="ignore"):
        mine = [
            share for _, share in shares(bound, gradients[bound.output], anatomy.values, {number})
        ]
    return any(not _finite(share) for share in mine)


def _row(anatomy: Anatomy, number: int) -> tuple[Cell, ...]:
    return _range(anatomy.facts.name(number), anatomy.values[number])


def _range(name: str, array: Array) -> tuple[Cell, ...]:
    flat = np.asarray(array, dtype=np.float64).ravel()
    good = flat[np.isfinite(flat)]
    lowest, highest = (float(good.min()), float(good.max())) if good.size else ("-", "-")
    return (name, lowest, highest, int(flat.size - good.size))


def _kinds(array: Array) -> str:
    found = [
        f"{int(count):,} {word}"
        for word, count in (
            ("NaN", np.isnan(array).sum()),
            ("inf", np.isinf(array).sum()),
        )
        if count
    ]
    return " and ".join(found)


MENDS = {
    "exp": "Keep what goes into exp below about 88, where float32 ends: clamp the log-variance.",
    "log": "Keep what goes into log above 0: add a small number, or use the form that takes "
    "logits or log-probabilities.",
    "sqrt": "Keep what goes into sqrt at 0 or above.",
    "div": "Keep what is divided by away from 0.",
}


def _mend(anatomy: Anatomy, bound: BoundOperation, name: str) -> str:
    op = bound.rule_name
    words = _mend_of_a_power(anatomy.values[bound.output]) if op == "pow" else MENDS.get(op, "")
    return words or f"Bring the numbers that go into {name} nearer to 1."


def _mend_of_a_power(power: Array) -> str:
    if np.isnan(power).any():
        return "Keep what is raised at 0 or above: a negative number has no power with a fraction."
    return "Use smaller numbers: a power of them leaves float32."


RULE = AuditRule(ID, "the first operation that made an inf or NaN", "the recorded graph", look)
