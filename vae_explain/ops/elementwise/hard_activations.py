"""Activations made of straight lines, from `relu` to `hardswish`, and those that leave out what is
small.

At a corner, where PyTorch has decided for one of both slopes, so have we.

Those of `hardswish` at -3 and 3 depend on PyTorch's version. We have 0 and 1, as it has from
2.7 on; up to 2.6 it went on with the parabola's slopes there, -1/2 and 3/2 (its issue 147801).
With such a PyTorch the gradient of a number that lies on a corner is marked as not equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.build import HALF, THREE
from ...symbolic.expression import (
    ONE,
    ZERO,
    Apply,
    Expression,
    Index,
    Number,
    Opaque,
    SumOver,
)
from ...symbolic.measure import evaluate
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import REQUIRED, binder
from ..broadcasting import indices
from ..pointwise import activation, choose, elementwise, number
from ..rule import Call, Partial, Rule

RELU = elementwise(
    "relu", lambda a: Apply("relu", (a,)), title="ReLU", gate=True, words="keeps what is positive"
)

# --- with limits ------------------------------------------------------------------------

SIX = Number(6.0)
# PyTorch has the slope of hardsigmoid in single precision, also where the numbers are double.
SIXTH = Number(float(np.float32(1 / 6)))


def held(a: Expression, low: float, high: float) -> Expression:
    """Write a number, or the limit that it lies beyond."""
    raised = choose(number(a) < low, Number(float(low)), a)
    return choose(number(a) > high, Number(float(high)), raised)


def inside(a: Expression, low: float, high: float, slope: Expression = ONE) -> Expression:
    """Write the slope of what is held; unlike clamp's, its corners let no gradient through."""
    return choose((number(a) > low) & (number(a) < high), slope, ZERO)


def beyond(a: Expression, between: Expression) -> Expression:
    """Write 0 up to -3, 1 from 3 on, and another expression in between."""
    return choose(number(a) <= -3, ZERO, choose(number(a) >= 3, ONE, between))


HARDTANH = activation(
    "hardtanh",
    lambda a, min_val, max_val: held(a, min_val, max_val),
    settings={"min_val": -1.0, "max_val": 1.0},
    derivatives=(lambda y, a, min_val, max_val: inside(a, min_val, max_val),),
    piecewise=True,
    title="hardtanh",
    words="held between two limits",
)

RELU6 = activation(
    "relu6",
    lambda a: held(a, 0, 6),
    derivatives=(lambda y, a: inside(a, 0, 6),),
    piecewise=True,
    title="ReLU6",
    words="keeps what is positive, up to 6",
)

HARDSIGMOID = activation(
    "hardsigmoid",
    lambda a: beyond(a, (a + THREE) / SIX),
    derivatives=(lambda y, a: inside(a, -3, 3, SIXTH),),
    piecewise=True,
    title="hardsigmoid",
    words="a straight line from 0 at -3 to 1 at 3",
)

HARDSWISH = activation(
    "hardswish",
    lambda a: a * beyond(a, (a + THREE) / SIX),
    derivatives=(lambda y, a: beyond(a, a / THREE + HALF),),
    piecewise=True,
    title="hardswish",
    words="each number times a share of it that grows from 0 to 1",
)

# --- what leaves out what is small ------------------------------------------------------
# On the edge itself PyTorch leaves out.


def _is_small(a: Expression, lambd: float) -> Any:
    return (number(a) >= -lambd) & (number(a) <= lambd)


def _moved(a: Expression, lambd: float) -> Expression:
    """Write a number moved towards 0."""
    return choose(number(a) > 0, a - Number(lambd), a + Number(lambd))


HARDSHRINK = activation(
    "hardshrink",
    lambda a, lambd: choose(_is_small(a, lambd), ZERO, a),
    settings={"lambd": 0.5},
    piecewise=True,
    title="hardshrink",
    words="keeps what is far enough from 0",
)

SOFTSHRINK = activation(
    "softshrink",
    lambda a, lambd: choose(_is_small(a, lambd), ZERO, _moved(a, lambd)),
    settings={"lambd": 0.5},
    piecewise=True,
    title="softshrink",
    words="each number moved towards 0, and no farther",
)

THRESHOLD = activation(
    "threshold",
    lambda a, threshold, value: choose(number(a) <= threshold, Number(float(value)), a),
    bind=binder("input", threshold=REQUIRED, value=REQUIRED),
    piecewise=True,
    title="threshold",
    words="keeps what is above a threshold",
)

# --- a slope that is learned, one for all numbers or one for each channel ---------------

WEIGHT = 1


def beside(weight: Array, x: Array) -> Array:
    """Return the slopes in a shape that goes with x, whose channels are its second axis."""
    if weight.size == 1:
        return weight.reshape((1,) * x.ndim)
    axis = 1 if x.ndim > 1 else 0
    return weight.reshape(tuple(-1 if at == axis else 1 for at in range(x.ndim)))


def slope_at(index: Index, weight: tuple[int, ...]) -> Index:
    """Return which slope an element takes."""
    if not weight or weight == (1,):
        return (0,) * len(weight)
    return (index[1] if len(index) > 1 else index[0],)


def forward(x: Array, weight: Array) -> Array:
    return np.where(x > 0, x, beside(weight, x) * x)


def _slope(call: Call, index: Index) -> Expression:
    weight = call.operands[WEIGHT]
    return weight.at(slope_at(index, weight.shape))


def element(call: Call, index: Index) -> Expression:
    x = call.operands[0].at(index)
    return x if evaluate(x) > 0 else _slope(call, index) * x


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0]
    if position == WEIGHT:
        weight = call.operands[WEIGHT].shape
        users = [out for out in indices(x.shape) if slope_at(out, weight) == index]
        return [(out, x.at(out)) for out in users if not x.array[out] > 0]
    return [(index, ONE if x.array[index] > 0 else _slope(call, index))]


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, weight = call.operands
    if position == WEIGHT:
        shape = beside(weight.array, x.array).shape
        axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
        below = -Apply("relu", (-x.whole(),))  # what is negative, else 0
        return shaped(SumOver(upstream * below, axes, shape), shape, weight.shape)

    def local(a: Array, w: Array) -> Array:
        return np.where(a > 0, np.ones_like(a), beside(w, a))

    return upstream * Opaque("prelu'", (x.whole(), weight.whole()), (), local)


PRELU = Rule(
    name="prelu",
    bind=binder("input", "weight"),
    forward=forward,
    element=element,
    partials=partials,
    gradient=gradient,
    title="PReLU",
    words="keeps what is positive, shrinks what is negative by a learned slope",
    functional=True,
)
