"""Directions without their length: `normalize` and `cosine_similarity`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import (
    ONE,
    ZERO,
    Add,
    Apply,
    Expression,
    Index,
    Number,
    Opaque,
    Ref,
)
from ...trace import Array
from ..rule import (
    Bound,
    Call,
    NotExplained,
    Partial,
    Rule,
    broadcast_index,
    broadcast_targets,
    sum_to,
    unbroadcast,
    unusual,
)
from .sum_mean import part_of

TWO = Number(2.0)
USUAL = {"eps": 1e-12}


def along(index: Index, axis: int, size: int) -> list[Index]:
    """Return the indices that differ from one only along an axis."""
    return [(*index[:axis], at, *index[axis + 1 :]) for at in range(size)]


def root(squares: list[Expression]) -> Expression:
    return Apply("sqrt", (Add(tuple(squares)),))


# --- divided by the length --------------------------------------------------------------


def bind_normalize(
    input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None
) -> Bound:
    if p != 2 or not isinstance(dim, int):
        raise NotExplained("a length of another kind than the root of squares along an axis")
    return (input,), {"dim": dim, "eps": eps}


def length(x: Array, dim: int) -> Array:
    return np.asarray(np.sqrt((x * x).sum(axis=dim, keepdims=True)))


def normalize(x: Array, dim: int, eps: float) -> Array:
    size = length(x, dim)
    return np.asarray(x / np.where(np.real(size) < eps, np.full_like(size, eps), size))


def normalize_vjp(g: Array, y: Array, x: Array, dim: int, eps: float) -> tuple[Array]:
    size = length(x, dim)
    held = size < eps
    used = np.where(held, np.full_like(size, eps), size)
    # What points along x would only change its length, which is taken out.
    outward = (g * y).sum(axis=dim, keepdims=True) * y
    return ((g - np.where(held, np.zeros_like(outward), outward)) / used,)


def _divisor(call: Call, index: Index) -> tuple[Expression, bool]:
    """Return what an element is divided by, and whether that is its length."""
    x = call.operands[0]
    axis = call.attributes["dim"] % len(x.shape)
    places = along(index, axis, x.shape[axis])
    size = float(np.sqrt(sum(float(x.array[at]) ** 2 for at in places)))
    if size < call.attributes["eps"]:
        return Number(call.attributes["eps"]), False
    # A number of its own, since many lines are divided by it.
    where: tuple[int | slice, ...] = (*index[:axis], slice(None), *index[axis + 1 :])

    def made() -> Expression:
        return root([x.at(at) ** TWO for at in places])

    return Ref(f"norm({part_of(x, where)})", value=size, made=made), True


def normalize_partials(call: Call, position: int, index: Index) -> list[Partial]:
    x = call.operands[0]
    axis = call.attributes["dim"] % len(x.shape)
    divisor, free = _divisor(call, index)
    if not free:
        return [(index, ONE / divisor)]
    found: list[Partial] = []
    for out in along(index, axis, x.shape[axis]):
        own = ONE if out == index else ZERO
        found.append((out, (own - call.output.at(out) * call.output.at(index)) / divisor))
    return found


def normalize_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    attributes = call.attributes

    def back(g: Array, x: Array) -> Array:
        full = np.broadcast_to(g, x.shape)
        return normalize_vjp(full, normalize(x, **attributes), x, **attributes)[0]

    wholes = (upstream, call.operands[0].whole())
    return Opaque("normalize_backward", wholes, unusual(attributes, USUAL), back)


NORMALIZE = Rule(
    name="normalize",
    bind=bind_normalize,
    forward=normalize,
    vjp=normalize_vjp,
    element=lambda call, index: call.operands[0].at(index) / _divisor(call, index)[0],
    partials=normalize_partials,
    formula=lambda call: Opaque(
        "normalize",
        (call.operands[0].whole(),),
        unusual(call.attributes, USUAL),
        lambda x: normalize(x, **call.attributes),
    ),
    gradient=normalize_gradient,
    words="scaled to length 1",
    torch="torch.nn.functional.normalize",
)


# --- the cosine of the angle between ----------------------------------------------------


def bind_cosine(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-08) -> Bound:
    return (x1, x2), {"dim": dim, "eps": eps}


def _lengths(a: Array, b: Array, dim: int, eps: float) -> tuple[Array, Array]:
    return tuple(  # type: ignore[return-value]  # two of them
        np.where(np.real(size) < eps, np.full_like(size, eps), size)
        for size in (length(a, dim), length(b, dim))
    )


def cosine(a: Array, b: Array, dim: int, eps: float) -> Array:
    of_a, of_b = _lengths(a, b, dim, eps)
    return np.asarray(((a / of_a) * (b / of_b)).sum(axis=dim))


def cosine_vjp(g: Array, y: Array, a: Array, b: Array, dim: int, eps: float) -> tuple[Array, Array]:
    of_a, of_b = _lengths(a, b, dim, eps)
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
    chosen = [operand.at(broadcast_index(at, operand.shape)) for at in _places(call, out)]
    return root([number**TWO for number in chosen])


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
    found: dict[Index, list[Expression]] = {}
    for full in broadcast_targets(index, mine.shape, shape):
        out = (*full[:axis], *full[axis + 1 :])
        own, theirs = _size(call, position, out), _size(call, 1 - position, out)
        direct = other.at(broadcast_index(full, other.shape)) / theirs
        local = (direct - call.output.at(out) * mine.at(index) / own) / own
        found.setdefault(out, []).append(local)
    return [(out, Add(tuple(ways)) if len(ways) > 1 else ways[0]) for out, ways in found.items()]


def cosine_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    attributes = call.attributes
    axis, shape = _together(call)
    reduced = (*shape[:axis], *shape[axis + 1 :])

    def back(g: Array, a: Array, b: Array) -> Array:
        a, b = np.broadcast_arrays(a, b)
        similar = cosine(a, b, **attributes)
        return cosine_vjp(np.broadcast_to(g, reduced), similar, a, b, **attributes)[position]

    wholes = (upstream, *(operand.whole() for operand in call.operands))
    options = (("by", position + 1), ("dim", attributes["dim"]))
    body = Opaque("cosine_similarity_backward", wholes, options, back)
    return sum_to(body, shape, call.operands[position].shape)


COSINE_SIMILARITY = Rule(
    name="cosine_similarity",
    bind=bind_cosine,
    forward=cosine,
    vjp=cosine_vjp,
    element=cosine_element,
    partials=cosine_partials,
    formula=lambda call: Opaque(
        "cosine_similarity",
        tuple(operand.whole() for operand in call.operands),
        (("dim", call.attributes["dim"]),),
        lambda a, b: cosine(a, b, **call.attributes),
    ),
    gradient=cosine_gradient,
    words="cosine of the angle between",
    torch="torch.nn.functional.cosine_similarity",
)
