"""Choosing between numbers: `maximum`, `minimum`, `where`, `masked_fill`, and `clamp` by limits.

An element's line is the number that was chosen, so the page shows which one it was.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import HALF
from ...symbolic.expression import ONE, ZERO, Expression, Index, Number, Opaque
from ...trace import Slot
from ..binding import Bound, NotExplained, binder
from ..broadcasting import sum_to
from ..pointwise import choose, elementwise, number
from ..rule import Call, Options, Partial, Rule, unusual

# --- the larger or the smaller of two ---------------------------------------------------


def _share(a: Expression, b: Expression) -> Expression:
    """How much of the gradient goes to a where the larger is chosen: of equals, half."""
    of_equals = choose(number(a) == number(b), HALF, ZERO)
    return choose(number(a) > number(b), ONE, of_equals)


MAXIMUM = elementwise(
    "maximum",
    lambda a, b: choose(number(a) >= number(b), a, b),
    bind=binder("input", "other"),
    forward=np.maximum,
    derivatives=(lambda y, a, b: _share(a, b), lambda y, a, b: _share(b, a)),
    piecewise=True,
    words="the larger of two",
)

MINIMUM = elementwise(
    "minimum",
    lambda a, b: choose(number(a) <= number(b), a, b),
    bind=binder("input", "other"),
    forward=np.minimum,
    derivatives=(lambda y, a, b: _share(b, a), lambda y, a, b: _share(a, b)),
    piecewise=True,
    words="the smaller of two",
)

# --- by a condition ---------------------------------------------------------------------

CONDITION, TRUE = 0, 1

_CHOICE = elementwise(
    "where",
    lambda condition, a, b: choose(number(condition) != 0, a, b),
    bind=binder("condition", "input", "other"),
    no_gradient=(CONDITION,),
    piecewise=True,
    words="the first where a condition holds, else the second",
)


def where_partials(call: Call, position: int, index: Index) -> list[Partial]:
    return [(out, slope) for out, slope in _CHOICE.partials(call, position, index) if slope == ONE]


def where_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    condition = call.operands[CONDITION].whole()
    ways = (upstream, ZERO) if position == TRUE else (ZERO, upstream)
    body = Opaque("where", (condition, *ways), (), np.where)
    return sum_to(body, call.output.shape, call.operands[position].shape)


WHERE = replace(_CHOICE, partials=where_partials, gradient=where_gradient, formula_broadcasts=False)

MASKED_FILL = replace(
    WHERE,
    name="masked_fill",
    bind=binder("input", "mask", "value", order=("mask", "value")),
    words="a number put where a mask holds",
)

# --- between limits ---------------------------------------------------------------------
# A limit is a plain number, which is an attribute, or a tensor, which is an operand behind the
# input and has a gradient of its own; `tensors` then says which of the limits they are.

Limits = tuple[Expression | None, Expression | None]


def bind_clamp(input: Any, min: Any = None, max: Any = None) -> Bound:
    limits = {"min": min, "max": max}
    tensors = tuple(name for name, limit in limits.items() if isinstance(limit, Slot))
    for limit in limits.values():
        if limit is not None and not isinstance(limit, int | float | Slot):
            raise NotExplained("a limit that is neither a number nor a tensor")
    if not tensors:
        return (input,), limits
    if any(limit is not None for name, limit in limits.items() if name not in tensors):
        raise NotExplained("a limit that is a number beside one that is a tensor")
    return (input, *(limits[name] for name in tensors)), {"tensors": tensors}


def _limits(
    operands: tuple[Expression, ...],
    min: float | None = None,
    max: float | None = None,
    tensors: tuple[str, ...] = (),
) -> Limits:
    """Return the lower and the upper limit, wherever they come from; None for one that is not."""
    numbers = {"min": min, "max": max}
    limits: dict[str, Expression] = dict(zip(tensors, operands, strict=True))
    limits |= {key: Number(float(limit)) for key, limit in numbers.items() if limit is not None}
    return limits.get("min"), limits.get("max")


def _chosen(a: Expression, *operands: Expression, **attributes: Any) -> Expression:
    """Return the number that was chosen: the input's, or a limit, also where that is NaN."""
    limits = _limits(operands, **attributes)
    for limit, beyond in zip(limits, (operator.lt, operator.gt), strict=True):
        if limit is not None:
            at = number(limit)
            a = choose(beyond(number(a), at) | (at != at), limit, a)
    return a


def _inside(a: Any, low: Any, high: Any) -> Any:
    # Both edges belong to the inside: there PyTorch lets the gradient pass to the input.
    inside = a == a  # not where it is a NaN
    if low is not None:
        inside = inside & (a >= low)
    if high is not None:
        inside = inside & (a <= high)
    return inside


def _below(a: Any, low: Any, high: Any) -> Any:
    """Where the lower limit is what was chosen; of limits that have crossed it never is."""
    return a < low if high is None else (a < low) & (low < high)


def _above(a: Any, low: Any, high: Any) -> Any:
    return a > high if low is None else (a > high) | (high < low)


def _slope(position: int) -> Callable[..., Expression]:
    def slope(y: Expression, a: Expression, *operands: Expression, **attributes: Any) -> Expression:
        chosen = _inside
        if position:
            chosen = _below if attributes["tensors"][position - 1] == "min" else _above
        limits = (
            None if limit is None else number(limit) for limit in _limits(operands, **attributes)
        )
        return choose(chosen(number(a), *limits), ONE, ZERO)

    return slope


def clamping(name: str, bind: Callable[..., Bound], words: str) -> Rule:
    def written(tensors: tuple[str, ...] = (), **numbers: Any) -> tuple[str, Options]:
        # One tensor alone says by the op's name which limit it is.
        return f"clamp_{tensors[0]}" if len(tensors) == 1 else name, unusual(numbers)

    return elementwise(
        name,
        _chosen,
        bind=bind,
        derivatives=tuple(map(_slope, range(3))),
        piecewise=True,
        written=written,
        words=words,
    )


def _bind_min(input: Any, min: Any) -> Bound:
    operands, attributes = bind_clamp(input, min=min)
    attributes.pop("max", None)
    return operands, attributes


def _bind_max(input: Any, max: Any) -> Bound:
    operands, attributes = bind_clamp(input, max=max)
    attributes.pop("min", None)
    return operands, attributes


CLAMP = clamping("clamp", bind_clamp, "held between limits")
CLAMP_MIN = clamping("clamp_min", _bind_min, "held from below")
CLAMP_MAX = clamping("clamp_max", _bind_max, "held from above")
