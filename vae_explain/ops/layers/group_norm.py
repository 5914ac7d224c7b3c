"""`group_norm`: each group of channels of a sample shifted to mean 0 and scaled to variance 1.

A group may hold thousands of numbers, so one element is told with the group's mean and
variance as numbers of their own, `mean(h[0,0:2])`, which say themselves how they are made,
and not with two sums over all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...symbolic.build import root
from ...symbolic.expression import (
    ONE,
    Add,
    Expression,
    Index,
    Number,
    Opaque,
    SumOver,
)
from ...trace import Array
from ..reduction.parts import mean_of, variance_of
from ..rule import Bound, Call, NotExplained, Partial, Rule, indices, unusual

INPUT, WEIGHT, BIAS = range(3)
USUAL = {"eps": 1e-05}


def bind(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Bound:
    if weight is None and bias is not None:
        raise NotExplained("a bias without a weight, for which PyTorch has no gradient either")
    operands = tuple(operand for operand in (input, weight, bias) if operand is not None)
    return operands, {"num_groups": num_groups, "eps": eps}


# --- whole tensors ----------------------------------------------------------------------


def _channelwise(array: Array, rank: int) -> Array:
    """Return weight or bias in a shape that goes with x."""
    return array.reshape(-1, *(1,) * (rank - 2))


def _normalized(x: Array, num_groups: int, eps: float) -> tuple[Array, Array]:
    """Return x with mean 0 and variance 1, and σ, both as [sample, group, element]."""
    groups = x.reshape(x.shape[0], num_groups, -1)
    centred = groups - groups.mean(axis=-1, keepdims=True)
    # Not np.var, which would take the absolute value of a complex step.
    deviation = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    return centred / deviation, deviation


def forward(x: Array, *after: Array, num_groups: int, eps: float) -> Array:
    found = _normalized(x, num_groups, eps)[0].reshape(x.shape)
    for move, array in zip((np.multiply, np.add), after, strict=False):
        found = move(found, _channelwise(array, x.ndim))
    return found


def vjp(
    upstream: Array, output: Array, x: Array, *after: Array, num_groups: int, eps: float
) -> tuple[Array | None, ...]:
    normalized, deviation = _normalized(x, num_groups, eps)
    scaled = upstream * _channelwise(after[0], x.ndim) if after else upstream
    arriving = scaled.reshape(normalized.shape)
    # What moves the whole group, or stretches it, is taken out again by the norm.
    shift = arriving.mean(axis=-1, keepdims=True)
    stretch = (arriving * normalized).mean(axis=-1, keepdims=True)
    to_x = ((arriving - shift - normalized * stretch) / deviation).reshape(x.shape)
    axes = _all_but_channel(x.ndim)
    to_weight = (upstream * normalized.reshape(x.shape)).sum(axis=axes)
    return (to_x, to_weight, upstream.sum(axis=axes))[: 1 + len(after)]


def _all_but_channel(rank: int) -> tuple[int, ...]:
    return tuple(axis for axis in range(rank) if axis != 1)


# --- one element ------------------------------------------------------------------------


class _Group(NamedTuple):
    """The group that an element is in: its channels, its mean, its variance plus eps."""

    channels: range
    size: int
    mean: Expression
    spread: Expression

    @property
    def deviation(self) -> Expression:
        return root(self.spread)

    def normalized(self, number: Expression) -> Expression:
        return (number - self.mean) / self.deviation


def _group(call: Call, index: Index) -> _Group:
    x = call.operands[0]
    size = x.shape[1] // call.attributes["num_groups"]
    first = index[1] // size * size
    channels = range(first, first + size)
    numbers = x.array[index[0], first : first + size]
    where = index[0], slice(first, first + size)

    def members() -> Iterator[Index]:
        return _members(channels, index, x.shape)

    mean = mean_of(x, numbers, members, where)
    spread = variance_of(x, numbers, members, where, mean) + Number(call.attributes["eps"])
    return _Group(channels, numbers.size, mean, spread)


def _members(channels: range, index: Index, shape: tuple[int, ...]) -> Iterator[Index]:
    for channel in channels:
        for place in indices(shape[2:]):
            yield (index[0], channel, *place)


def element(call: Call, index: Index) -> Expression:
    x, *after = call.operands
    channel = (index[1],)
    found = _group(call, index).normalized(x.at(index))
    found = after[0].at(channel) * found if after else found
    return found + after[1].at(channel) if len(after) > 1 else found


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x, *after = call.operands
    if position != INPUT:
        found: list[Partial] = []
        for sample in range(x.shape[0]):
            group = _group(call, (sample, *index))
            outputs = [(sample, *index, *place) for place in indices(x.shape[2:])]
            found += [
                (out, group.normalized(x.at(out)) if position == WEIGHT else ONE) for out in outputs
            ]
        return found
    group = _group(call, index)
    count = Number(float(group.size))
    ties: list[Partial] = []
    for out in _members(group.channels, index, x.shape):
        # By the element itself, by the mean, and by the variance, over σ.
        both = (x.at(out) - group.mean) * (x.at(index) - group.mean)
        ways = [ONE] if out == index else []
        local = Add((*ways, -(ONE / count), -(both / (count * group.spread)))) / group.deviation
        ties.append((out, after[0].at((out[1],)) * local if after else local))
    return ties


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x = call.operands[INPUT]
    axes = _all_but_channel(len(x.shape))
    if position == WEIGHT:
        plain = Opaque(
            "group_norm",
            (x.whole(),),
            unusual(call.attributes, USUAL),
            lambda whole: forward(whole, **call.attributes),
        )
        return SumOver(upstream * plain, axes, call.operands[WEIGHT].shape)
    if position == BIAS:
        return SumOver(upstream, axes, call.operands[BIAS].shape)

    def back(g: Any, *arrays: Array) -> Array | None:
        full = np.broadcast_to(g, call.output.shape)
        return vjp(full, call.output.array, *arrays, **call.attributes)[0]

    # The bias has no part in it.
    wholes = tuple(operand.whole() for operand in call.operands[:BIAS])
    return Opaque("group_norm_backward", (upstream, *wholes), unusual(call.attributes, USUAL), back)


GROUP_NORM = Rule(
    name="group_norm",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    usual=USUAL,
    gradient=gradient,
    kind="normalization",
    title="group norm",
    words="each group of channels shifted to mean 0 and scaled to variance 1",
    functional=True,
)
