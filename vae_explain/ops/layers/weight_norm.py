"""`_weight_norm`: a weight given as a direction and a length, the length a parameter of its own.

Salimans and Kingma, "Weight Normalization" (2016), equation 2: w = g·v/‖v‖. The length of v
is taken over all axes but one, so that each row of a linear layer has its own g.
"""

from __future__ import annotations

import numpy as np

from ...symbolic.build import TWO, root
from ...symbolic.expression import Expression, Index, Number, SumOver
from ...trace import Array
from ..binding import binder
from ..broadcasting import broadcast_index, each_of, sum_to
from ..reduction.parts import Where, length_of, members
from ..rule import Call, Partial, Rule

DIRECTION, LENGTH = range(2)


def _over(rank: int, dim: int) -> tuple[int, ...]:
    # With -1, PyTorch means no axis and not the last one.
    return tuple(axis for axis in range(rank) if axis != dim)


# --- whole tensors ----------------------------------------------------------------------


def _length(v: Array, dim: int) -> Array:
    return np.asarray(np.sqrt((v * v).sum(axis=_over(v.ndim, dim), keepdims=True)))


def forward(v: Array, g: Array, dim: int) -> Array:
    return np.asarray(v * (g / _length(v, dim)))


# --- one element ------------------------------------------------------------------------


def _where(call: Call, index: Index) -> Where:
    """Return the part of v that has an element's length."""
    over = _over(len(index), call.attributes["dim"])
    return tuple(slice(None) if axis in over else at for axis, at in enumerate(index))


def _members(call: Call, index: Index) -> list[Index]:
    return list(each_of(members(_where(call, index), call.operands[DIRECTION].shape)))


def _length_at(call: Call, index: Index) -> Expression:
    return length_of(call.operands[DIRECTION], _where(call, index))


def _length_of(call: Call, index: Index) -> Expression:
    g = call.operands[LENGTH]
    return g.at(broadcast_index(index, g.shape))


def element(call: Call, index: Index) -> Expression:
    v = call.operands[DIRECTION]
    return _length_of(call, index) * v.at(index) / _length_at(call, index)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    v, g = call.operands
    if position == LENGTH:
        full = (*(0,) * (len(v.shape) - len(g.shape)), *index)
        outputs = _members(call, full)
        return [(out, v.at(out) / _length_at(call, out)) for out in outputs]
    length = _length_at(call, index)
    slopes: list[Partial] = []
    for out in _members(call, index):
        # By the element itself, and by the length that all of them are divided by.
        both = v.at(out) * v.at(index) / length**TWO
        local = Number(1.0) - both if out == index else -both
        slopes.append((out, _length_of(call, out) * local / length))
    return slopes


# --- whole tensors as formulas ----------------------------------------------------------


def _total(call: Call, body: Expression) -> Expression:
    """Write the sum over all axes but one, the axes kept."""
    shape = call.output.shape
    over = _over(len(shape), call.attributes["dim"])
    return SumOver(body, over, tuple(1 if a in over else size for a, size in enumerate(shape)))


def _whole_length(call: Call) -> Expression:
    return root(_total(call, call.operands[DIRECTION].whole() ** TWO))


def formula(call: Call) -> Expression:
    v, g = (operand.whole() for operand in call.operands)
    return g * v / _whole_length(call)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    v, g = (operand.whole() for operand in call.operands)
    unit = v / _whole_length(call)
    if position == LENGTH:
        return sum_to(upstream * unit, call.output.shape, call.operands[LENGTH].shape)
    return g / _whole_length(call) * (upstream - unit * _total(call, upstream * unit))


WEIGHT_NORM = Rule(
    name="weight_norm",
    bind=binder("v", "g", dim=0),
    forward=forward,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    title="weight norm",
    words="a direction v scaled to the length g",
    torch="torch._weight_norm",
)
