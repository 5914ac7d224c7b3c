"""Choosing between two numbers: `maximum`, `minimum`, `where`.

An element's line is the number that was chosen, so the page shows which one it was.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...symbolic.build import HALF
from ...symbolic.expression import ONE, ZERO, Expression, Index, Opaque
from ..binding import binder
from ..broadcasting import sum_to
from ..pointwise import choose, elementwise, number
from ..rule import Call, Partial

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


WHERE = replace(_CHOICE, partials=where_partials, gradient=where_gradient, spreads=False)
