"""`prelu`: a leaky ReLU whose slope is learned, one for all numbers or one for each channel."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Index, Opaque, SumOver, evaluate
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import binder
from ..broadcasting import indices
from ..rule import Call, Partial, Rule

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
