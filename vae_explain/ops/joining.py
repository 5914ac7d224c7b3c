"""Putting tensors side by side: `cat` along an axis they have, `stack` along a new one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..expression import ONE, Expression, Index, Opaque
from ..trace import Array, Slot
from .rule import Bound, Call, Partial, Rule, called
from .selecting import Key, taken


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


_A = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
_B = np.array([[1.0, 0.5], [0.125, 2.0]])

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
    examples=(
        called(bind_cat, (_A, _B), (Slot(0), Slot(1)), 1),
        called(bind_cat, (_A, _B, _A), (Slot(0), Slot(1), Slot(2)), dim=-1),
        called(bind_cat, (_A, _A[:1]), (Slot(0), Slot(1))),
    ),
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
    examples=(
        called(bind_cat, (_A, _A + 1), (Slot(0), Slot(1))),
        called(bind_cat, (_A, _A + 1, -_A), (Slot(0), Slot(1), Slot(2)), dim=-1),
        called(bind_cat, (np.array(0.5), np.array(2.0)), (Slot(0), Slot(1))),
    ),
)
