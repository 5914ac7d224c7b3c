"""Putting tensors side by side: `cat` along an axis they have, `stack` along a new one.

`hstack`, `vstack`, `dstack` and `column_stack` are `cat` along an axis of their own, after
each tensor that has too few axes has got those that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Expression, Index, Opaque, Reshape
from ...trace import Array
from ..rule import Bound, Call, Partial, Rule
from .select import Key, taken


def bind_cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Bound:
    return tuple(tensors), {"dim": dim if axis is None else axis}


# --- cat --------------------------------------------------------------------------------


def _edges(arrays: tuple[Array, ...], dim: int) -> list[int]:
    """Return where along the axis each part begins, and the end of the last."""
    return [0, *np.cumsum([array.shape[dim] for array in arrays]).tolist()]


def cat_vjp(g: Array, y: Array, *arrays: Array, dim: int) -> tuple[Array, ...]:
    return tuple(np.split(g, _edges(arrays, dim)[1:-1], axis=dim))


def cat_element(call: Call, index: Index) -> Expression:
    axis = call.attributes["dim"] % len(index)
    edges = _edges(call.arrays, axis)
    part = next(i for i, end in enumerate(edges[1:]) if index[axis] < end)
    inner = (*index[:axis], index[axis] - edges[part], *index[axis + 1 :])
    return call.operands[part].at(inner)


def cat_partials(call: Call, position: int, index: Index) -> list[Partial]:
    axis = call.attributes["dim"] % len(index)
    start = _edges(call.arrays, axis)[position]
    return [((*index[:axis], index[axis] + start, *index[axis + 1 :]), ONE)]


def cat_formula(call: Call) -> Expression:
    wholes = tuple(operand.whole() for operand in call.operands)
    dim = call.attributes["dim"]
    return Opaque("cat", wholes, (("dim", dim),), lambda *a: np.concatenate(a, axis=dim))


def cat_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    rank = len(call.output.shape)
    axis = call.attributes["dim"] % rank
    edges = _edges(call.arrays, axis)
    window: Key = (*(slice(None),) * axis, slice(edges[position], edges[position + 1]))
    return taken(upstream, window)


CAT = Rule(
    name="cat",
    bind=bind_cat,
    forward=lambda *arrays, dim: np.concatenate(arrays, axis=dim),
    vjp=cat_vjp,
    element=cat_element,
    partials=cat_partials,
    formula=cat_formula,
    gradient=cat_gradient,
    words="tensors put one after the other",
    torch="torch.cat",
)

# --- stack ------------------------------------------------------------------------------


def _stacked_axis(call: Call) -> int:
    return int(call.attributes["dim"] % len(call.output.shape))


def stack_vjp(g: Array, y: Array, *arrays: Array, dim: int) -> tuple[Array, ...]:
    return tuple(g.take(part, axis=dim) for part in range(len(arrays)))


def stack_element(call: Call, index: Index) -> Expression:
    axis = _stacked_axis(call)
    return call.operands[index[axis]].at(index[:axis] + index[axis + 1 :])


def stack_partials(call: Call, position: int, index: Index) -> list[Partial]:
    axis = _stacked_axis(call)
    return [((*index[:axis], position, *index[axis:]), ONE)]


def stack_formula(call: Call) -> Expression:
    wholes = tuple(operand.whole() for operand in call.operands)
    dim = call.attributes["dim"]
    return Opaque("stack", wholes, (("dim", dim),), lambda *a: np.stack(a, axis=dim))


def stack_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return taken(upstream, (*(slice(None),) * _stacked_axis(call), position))


STACK = Rule(
    name="stack",
    bind=bind_cat,
    forward=lambda *arrays, dim: np.stack(arrays, axis=dim),
    vjp=stack_vjp,
    element=stack_element,
    partials=stack_partials,
    formula=stack_formula,
    gradient=stack_gradient,
    words="tensors put beside each other along a new axis",
    torch="torch.stack",
)

# --- along an axis of its own -----------------------------------------------------------

Shape = tuple[int, ...]


def bind_tensors(tensors: Any) -> Bound:
    return tuple(tensors), {}


def joined(
    name: str, fitted: Callable[[Shape], Shape], axis: Callable[[int], int], words: str
) -> Rule:
    """Make the rule of an op that says by its name along which axis it joins.

    Parameters
    ----------
    fitted
        The shape in which a tensor of a shape is joined.
    axis
        Along which axis tensors of so many axes are joined, once they are fitted.
    """

    def fit(array: Array) -> Array:
        return np.asarray(array).reshape(fitted(np.shape(array)))

    def along(arrays: tuple[Array, ...]) -> int:
        return axis(fit(arrays[0]).ndim)

    def forward(*arrays: Array) -> Array:
        return np.concatenate([fit(array) for array in arrays], axis=along(arrays))

    def edges(arrays: tuple[Array, ...]) -> list[int]:
        return _edges(tuple(fit(array) for array in arrays), along(arrays))

    def vjp(g: Array, y: Array, *arrays: Array) -> tuple[Array, ...]:
        parts = np.split(g, edges(arrays)[1:-1], axis=along(arrays))
        return tuple(part.reshape(array.shape) for part, array in zip(parts, arrays, strict=True))

    def element(call: Call, index: Index) -> Expression:
        where, ends = along(call.arrays), edges(call.arrays)
        part = next(i for i, end in enumerate(ends[1:]) if index[where] < end)
        inner = (*index[:where], index[where] - ends[part], *index[where + 1 :])
        operand = call.operands[part]
        return operand.at(moved(inner, fitted(operand.shape), operand.shape))

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        shape = call.operands[position].shape
        where, start = along(call.arrays), edges(call.arrays)[position]
        at = moved(index, shape, fitted(shape))
        return [((*at[:where], at[where] + start, *at[where + 1 :]), ONE)]

    def formula(call: Call) -> Expression:
        return Opaque(name, tuple(operand.whole() for operand in call.operands), (), forward)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        where, ends = along(call.arrays), edges(call.arrays)
        shape = call.operands[position].shape
        window: Key = (*(slice(None),) * where, slice(ends[position], ends[position + 1]))
        part = taken(upstream, window)
        return part if fitted(shape) == shape else Reshape(part, shape)

    return Rule(
        name=name,
        bind=bind_tensors,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words=words,
        torch=f"torch.{name}",
    )


def moved(index: Index, shape: Shape, to: Shape) -> Index:
    """Return where an element of a tensor stands when the tensor is in another shape."""
    if shape == to:
        return index
    place = np.ravel_multi_index(index, shape) if shape else 0
    return tuple(int(at) for at in np.unravel_index(place, to)) if to else ()


def _two_axes(shape: Shape) -> Shape:
    return shape if len(shape) > 1 else (1, *shape) if shape else (1, 1)


def _three_axes(shape: Shape) -> Shape:
    return shape if len(shape) > 2 else (*_two_axes(shape), 1)


def _columns(shape: Shape) -> Shape:
    return shape if len(shape) > 1 else (shape[0], 1) if shape else (1, 1)


HSTACK = joined(
    "hstack",
    fitted=lambda shape: shape or (1,),
    axis=lambda rank: 0 if rank == 1 else 1,
    words="tensors put beside each other, column after column",
)
VSTACK = joined(
    "vstack",
    fitted=_two_axes,
    axis=lambda rank: 0,
    words="tensors put below each other, row after row",
)
DSTACK = joined(
    "dstack",
    fitted=_three_axes,
    axis=lambda rank: 2,
    words="tensors put behind each other, along a third axis",
)
COLUMN_STACK = joined(
    "column_stack",
    fitted=_columns,
    axis=lambda rank: 1,
    words="tensors put beside each other, a vector as a column",
)
