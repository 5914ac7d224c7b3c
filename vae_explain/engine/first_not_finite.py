"""The first number of a run that is not finite, and why it is not.

From the loss back, or from the first gradient that is not finite, to the operation that made
an inf or NaN of finite numbers; then why that operation did, which `not_finite_reasons` knows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..quick_classes import NamedTuple
from ..trace import Array
from .backward_pass import shares
from .graph import BoundOperation
from .not_finite_reasons import called, reason_of
from .run import Run


class Cause(NamedTuple):
    """Why a run is not finite.

    Attributes
    ----------
    value
        The id of the first value that is not finite, or whose gradient is not.
    of_gradient
        Whether it is the gradient.
    operation
        The one that made it; None for what the run started from.
    why
        In words that follow "is the first operation that is not finite": what went in.
    mend
        What to change, in a sentence.
    operand
        The id of the operand that the operation cannot take.
    """

    value: int
    of_gradient: bool
    operation: BoundOperation | None
    why: str
    mend: str
    operand: int | None = None


def first_not_finite(run: Run) -> Cause | None:
    """Return why a run is not finite; None for one that is."""
    if run.is_finite:
        return None
    return _backward(run) if _finite(run.values[run.trace.output]) else _forward(run)


def _finite(array: Array) -> bool:
    return bool(np.isfinite(array).all())


def _sources(run: Run, value_id: int) -> list[int]:
    bound = run.graph.producer(value_id)
    return [] if bound is None else list(dict.fromkeys(bound.operation.inputs))


def _forward(run: Run) -> Cause:
    """Follow what is not finite from the loss back to what made it from finite numbers.

    An inf that something behind it took away again, as a softmax does with a mask, is not on
    that way.
    """
    current = run.trace.output
    while sources := [i for i in _sources(run, current) if not _finite(run.values[i])]:
        current = min(sources)
    bound = run.graph.producer(current)
    if bound is None:
        name, kind = called(run, current), run.trace.values[current].kind
        return Cause(
            current,
            False,
            None,
            f"{name} ({kind}) is so from the start",
            f"Give {name} finite numbers.",
        )
    return _explained(run, bound)


def _explained(run: Run, bound: BoundOperation) -> Cause:
    reason = reason_of(run, bound)
    return Cause(bound.output, False, bound, reason.why, reason.mend, reason.operand)


def _backward(run: Run) -> Cause:
    """Find the first operation, from the loss back, whose gradient was finite and made one not."""
    gradients = run.gradients
    for bound in reversed(run.graph.operations):
        upstream = gradients.get(bound.output)
        if upstream is None or not _finite(upstream):
            continue
        for value_id in dict.fromkeys(bound.operation.inputs):
            if value_id in gradients and _spoils(run, bound, value_id):
                name, op = called(run, value_id), bound.operation.name
                array = run.values[value_id]
                at = array[~np.isfinite(gradients[value_id])]
                there = f"at some of {name}, from {at.min():.4g} to {at.max():.4g}"
                what = f"{op} has no slope {there}"
                if at.all():
                    what = f"the slope of {op} {there}, makes a gradient that leaves {array.dtype}"
                return Cause(
                    value_id, True, bound,
                    f"the loss is finite, but {what}",
                    f"Keep {name} away from there, as by a small number added inside.",
                    value_id,
                )  # fmt: skip
    value_id = max(n for n, gradient in gradients.items() if not _finite(gradient))
    name = called(run, value_id)
    return Cause(
        value_id, True, None, f"the loss is finite, but the gradient at {name} is not",
        f"Look at what {name} goes into.",
    )  # fmt: skip


def _spoils(run: Run, bound: BoundOperation, value_id: int) -> bool:
    """Whether an operation passes a gradient that is not finite to one of its inputs.

    The gradient there adds up what all that used the value pass back, so it alone would not
    tell which of them it was.
    """
    gradients = run.gradients
    if _finite(gradients[value_id]):
        return False
    users = [user for user in run.graph.consumers(value_id) if user.output in gradients]
    if any(not _finite(gradients[user.output]) for user in users):
        return False
    if bound.rule is None or len(users) == 1:
        return True
    with np.errstate(all="ignore"):
        mine = shares(bound, gradients[bound.output], run.values, {value_id})
        return any(not _finite(share) for _, share in mine)


def kinds_of(array: Array) -> str:
    """Return how many numbers of an array are NaN, and how many inf."""
    counts: dict[str, Callable[[Array], Array]] = {"NaN": np.isnan, "inf": np.isinf}
    counted = {word: int(of(array).sum()) for word, of in counts.items()}
    return " and ".join(f"{count:,} {word}" for word, count in counted.items() if count)
