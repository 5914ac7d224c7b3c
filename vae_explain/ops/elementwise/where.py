"""Choosing between two numbers: `maximum`, `minimum`, `where`.

An element's line is the number that was chosen, so the page shows which one it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import (
    ONE,
    ZERO,
    Expression,
    Index,
    Number,
    Opaque,
    evaluate,
)
from ...trace import Array
from ..rule import (
    Bound,
    Call,
    Partial,
    Rule,
    broadcast_index,
    broadcast_targets,
    elementwise,
    sum_to,
    unbroadcast,
)

# --- the larger or the smaller of two ---------------------------------------------------


def bind_two(input: Any, other: Any) -> Bound:
    return (input, other), {}


def _share(a: Array, b: Array) -> Array:
    """How much of the gradient goes to a where the larger is chosen: of equals, half."""
    return (np.greater(a, b) + 0.5 * np.equal(a, b)).astype(np.result_type(a, b))


def _share_of(a: Expression, b: Expression) -> Expression:
    left, right = evaluate(a), evaluate(b)
    return Number((left > right) + 0.5 * (left == right))


MAXIMUM = elementwise(
    "maximum",
    bind=bind_two,
    forward=np.maximum,
    vjp=lambda g, y, a, b: (g * _share(a, b), g * _share(b, a)),
    expression=lambda a, b: a if evaluate(a) >= evaluate(b) else b,
    derivatives=(lambda y, a, b: _share_of(a, b), lambda y, a, b: _share_of(b, a)),
    words="the larger of two",
    torch="torch.maximum",
    piecewise=True,
)

MINIMUM = elementwise(
    "minimum",
    bind=bind_two,
    forward=np.minimum,
    vjp=lambda g, y, a, b: (g * _share(b, a), g * _share(a, b)),
    expression=lambda a, b: a if evaluate(a) <= evaluate(b) else b,
    derivatives=(lambda y, a, b: _share_of(b, a), lambda y, a, b: _share_of(a, b)),
    words="the smaller of two",
    torch="torch.minimum",
    piecewise=True,
)

# --- by a condition ---------------------------------------------------------------------

CONDITION, TRUE = 0, 1


def bind_where(condition: Any, input: Any, other: Any) -> Bound:
    return (condition, input, other), {}


def where_vjp(g: Array, y: Array, condition: Array, a: Array, b: Array) -> tuple[Array | None, ...]:
    nothing = np.zeros_like(g)
    to_a, to_b = np.where(condition, g, nothing), np.where(condition, nothing, g)
    return None, unbroadcast(to_a, a.shape), unbroadcast(to_b, b.shape)


def _holds(call: Call, index: Index) -> bool:
    condition = call.operands[CONDITION]
    return bool(condition.array[broadcast_index(index, condition.shape)])


def where_element(call: Call, index: Index) -> Expression:
    chosen = call.operands[1 if _holds(call, index) else 2]
    return chosen.at(broadcast_index(index, chosen.shape))


def where_partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position == CONDITION:
        return []
    shape = call.operands[position].shape
    return [
        (out, ONE)
        for out in broadcast_targets(index, shape, call.output.shape)
        if _holds(call, out) == (position == TRUE)
    ]


def where_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    condition = call.operands[CONDITION].whole()
    zero: Expression = ZERO
    chosen = (condition, upstream, zero) if position == TRUE else (condition, zero, upstream)
    body = Opaque("where", chosen, (), np.where)
    return sum_to(body, call.output.shape, call.operands[position].shape)


WHERE = Rule(
    name="where",
    bind=bind_where,
    forward=lambda condition, a, b: np.asarray(np.where(condition, a, b)),
    vjp=where_vjp,
    element=where_element,
    partials=where_partials,
    formula=lambda call: Opaque(
        "where", tuple(operand.whole() for operand in call.operands), (), np.where
    ),
    gradient=where_gradient,
    words="the first where a condition holds, else the second",
    torch="torch.where",
    kind="elementwise",
    broadcasts=True,
)
