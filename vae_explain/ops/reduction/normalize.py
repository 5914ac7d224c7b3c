"""Directions without their length: `normalize` and `cosine_similarity`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import root, square
from ...symbolic.expression import ONE, ZERO, Add, Expression, Index, Number
from ...trace import Array
from ..binding import Ignored, NotExplained, Read, Refused, binder
from ..broadcasting import broadcast_index, broadcast_targets, sum_to, unbroadcast
from ..rule import Call, Partial, Rule, by_output
from .axes import along
from .parts import length_of


def _length_of(numbers: Iterable[Expression]) -> Expression:
    return root(Add(tuple(map(square, numbers))))


def _held(size: Array, eps: float) -> Array:
    """Return lengths, of which none is smaller than eps."""
    return np.where(np.real(size) < eps, np.full_like(size, eps), size)


# --- divided by the length --------------------------------------------------------------


def one_axis(dim: Any) -> int:
    if not isinstance(dim, int):
        raise NotExplained("a length along several axes")
    return dim


def length(x: Array, dim: int) -> Array:
    return np.asarray(np.sqrt((x * x).sum(axis=dim, keepdims=True)))


def normalize(x: Array, dim: int, eps: float) -> Array:
    return np.asarray(x / _held(length(x, dim), eps))


def normalize_vjp(g: Array, y: Array, x: Array, dim: int, eps: float) -> tuple[Array]:
    size = length(x, dim)
    # What points along x would only change its length, which is taken out.
    outward = (g * y).sum(axis=dim, keepdims=True) * y
    return ((g - np.where(size < eps, np.zeros_like(outward), outward)) / _held(size, eps),)


def _divisor(call: Call, index: Index) -> tuple[Expression, bool]:
    """Return what an element is divided by, and whether that is its length."""
    x = call.operands[0]
    axis = call.attributes["dim"] % len(x.shape)
    # A number of its own, since many lines are divided by it.
    length = length_of(x, (*index[:axis], slice(None), *index[axis + 1 :]))
    if length.value < call.attributes["eps"]:
        return Number(call.attributes["eps"]), False
    return length, True


def normalize_partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0]
    axis = call.attributes["dim"] % len(x.shape)
    divisor, free = _divisor(call, index)
    if not free:
        return [(index, ONE / divisor)]
    y = call.output.at
    return [
        (out, ((ONE if out == index else ZERO) - y(out) * y(index)) / divisor)
        for out in along(index, axis, x.shape[axis])
    ]


NORMALIZE = Rule(
    name="normalize",
    bind=binder("input", p=Refused(2.0), dim=Read(one_axis, 1), eps=1e-12, out=Ignored()),
    forward=normalize,
    vjp=normalize_vjp,
    element=lambda call, index: call.operands[0].at(index) / _divisor(call, index)[0],
    partials=normalize_partials,
    usual={"eps": 1e-12},
    words="scaled to length 1",
    functional=True,
)


# --- the cosine of the angle between ----------------------------------------------------


def cosine(a: Array, b: Array, dim: int, eps: float) -> Array:
    of_a, of_b = _held(length(a, dim), eps), _held(length(b, dim), eps)
    return np.asarray(((a / of_a) * (b / of_b)).sum(axis=dim))


def cosine_vjp(g: Array, y: Array, a: Array, b: Array, dim: int, eps: float) -> tuple[Array, Array]:
    of_a, of_b = _held(length(a, dim), eps), _held(length(b, dim), eps)
    arriving = np.expand_dims(np.asarray(g), dim)
    similar = np.expand_dims(np.asarray(y), dim)
    to_a = arriving * (b / of_b - similar * a / of_a) / of_a
    to_b = arriving * (a / of_a - similar * b / of_b) / of_b
    return unbroadcast(to_a, a.shape), unbroadcast(to_b, b.shape)


def _together(call: Call) -> tuple[int, tuple[int, ...]]:
    """Return the axis that is summed over, and the shape of both tensors broadcast."""
    shape = np.broadcast_shapes(*(operand.shape for operand in call.operands))
    return call.attributes["dim"] % len(shape), shape


def _places(call: Call, out: Index) -> list[Index]:
    axis, shape = _together(call)
    return along((*out[:axis], 0, *out[axis:]), axis, shape[axis])


def _size(call: Call, position: int, out: Index) -> Expression:
    operand = call.operands[position]
    return _length_of(operand.at(broadcast_index(at, operand.shape)) for at in _places(call, out))


def cosine_element(call: Call, index: Index) -> Expression:
    a, b = call.operands
    products = tuple(
        a.at(broadcast_index(at, a.shape)) * b.at(broadcast_index(at, b.shape))
        for at in _places(call, index)
    )
    return Add(products) / (_size(call, 0, index) * _size(call, 1, index))


def cosine_partials(call: Call, position: int, index: Index) -> list[Partial]:
    axis, shape = _together(call)
    mine, other = call.operands[position], call.operands[1 - position]

    def ways() -> Iterator[Partial]:
        for full in broadcast_targets(index, mine.shape, shape):
            out = (*full[:axis], *full[axis + 1 :])
            own, theirs = _size(call, position, out), _size(call, 1 - position, out)
            direct = other.at(broadcast_index(full, other.shape)) / theirs
            yield out, (direct - call.output.at(out) * mine.at(index) / own) / own

    return by_output(ways())


def cosine_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    named = COSINE_SIMILARITY.named_backward(call, position, upstream)

    def back(g: Array, a: Array, b: Array) -> Array:
        return np.asarray(named.compute(g, *np.broadcast_arrays(a, b)))

    return sum_to(replace(named, compute=back), _together(call)[1], call.operands[position].shape)


COSINE_SIMILARITY = Rule(
    name="cosine_similarity",
    bind=binder("x1", "x2", dim=1, eps=1e-08),
    forward=cosine,
    vjp=cosine_vjp,
    element=cosine_element,
    partials=cosine_partials,
    usual={"eps": 1e-08},
    gradient=cosine_gradient,
    words="cosine of the angle between",
    functional=True,
)
