"""Putting tensors side by side: `cat` along an axis they have, `stack` along a new one.

All of them are `cat` once each tensor has the axes that it lacks: `stack` gives it a new one,
and `hstack`, `vstack`, `dstack` and `column_stack` give one that has too few.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import Expression
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import Bound
from ..copying import Shape, copying
from ..rule import Call, Rule
from .reshape import unsqueezed
from .select import Key, taken


def bind_cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Bound:
    return tuple(tensors), {"dim": dim if axis is None else axis}


def bind_tensors(tensors: Any) -> Bound:
    return tuple(tensors), {}


def joining(
    name: str,
    *,
    fitted: Callable[..., Shape],
    axis: Callable[..., int],
    words: str,
    bind: Callable[..., Bound] = bind_tensors,
    one_each: bool = False,
) -> Rule:
    """Make the rule of an op that joins tensors along an axis.

    Parameters
    ----------
    fitted
        `fitted(shape, **attributes)`, the shape in which a tensor of a shape is joined.
    axis
        `axis(rank, **attributes)`, along which axis tensors of so many axes are joined, once
        they are fitted.
    one_each
        Whether each tensor is one place along that axis.
    """

    def fit(arrays: tuple[Array, ...], attributes: Any) -> tuple[list[Array], int]:
        fits = [np.reshape(array, fitted(np.shape(array), **attributes)) for array in arrays]
        return fits, axis(fits[0].ndim, **attributes)

    def forward(*arrays: Array, **attributes: Any) -> Array:
        fits, along = fit(arrays, attributes)
        return np.concatenate(fits, axis=along)

    def windows(arrays: tuple[Array, ...], attributes: Any) -> list[Key]:
        """Return for each tensor the key of its part of the output."""
        fits, along = fit(arrays, attributes)
        edges = [0, *np.cumsum([array.shape[along] for array in fits]).tolist()]
        parts = range(len(fits)) if one_each else map(slice, edges[:-1], edges[1:])
        return [(*(slice(None),) * along, part) for part in parts]

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        shape = call.operands[position].shape
        part = taken(upstream, windows(call.arrays, call.attributes)[position])
        return part if one_each else shaped(part, fitted(shape, **call.attributes), shape)

    return copying(name, bind=bind, forward=forward, gradient=gradient, words=words)


CAT = joining(
    "cat",
    bind=bind_cat,
    fitted=lambda shape, dim: shape,
    axis=lambda rank, dim: dim % rank,
    words="tensors put one after the other",
)


STACK = joining(
    "stack",
    bind=bind_cat,
    fitted=unsqueezed,
    axis=lambda rank, dim: dim % rank,
    words="tensors put beside each other along a new axis",
    one_each=True,
)

# --- along an axis of its own -----------------------------------------------------------


def _two_axes(shape: Shape) -> Shape:
    return shape if len(shape) > 1 else (1, *shape) if shape else (1, 1)


def _three_axes(shape: Shape) -> Shape:
    return shape if len(shape) > 2 else (*_two_axes(shape), 1)


def _columns(shape: Shape) -> Shape:
    return shape if len(shape) > 1 else (shape[0], 1) if shape else (1, 1)


HSTACK = joining(
    "hstack",
    fitted=lambda shape: shape or (1,),
    axis=lambda rank: 0 if rank == 1 else 1,
    words="tensors put beside each other, column after column",
)
VSTACK = joining(
    "vstack",
    fitted=_two_axes,
    axis=lambda rank: 0,
    words="tensors put below each other, row after row",
)
DSTACK = joining(
    "dstack",
    fitted=_three_axes,
    axis=lambda rank: 2,
    words="tensors put behind each other, along a third axis",
)
COLUMN_STACK = joining(
    "column_stack",
    fitted=_columns,
    axis=lambda rank: 1,
    words="tensors put beside each other, a vector as a column",
)
