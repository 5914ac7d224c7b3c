"""Indices and axes: which elements broadcasting spreads an operand to, and what comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from ..symbolic.expression import Expression, Index, SumOver
from ..symbolic.shapes import expanded
from ..trace import Array
from .at_once import is_many, shape_of_many


def indices(shape: Iterable[int]) -> Iterator[Index]:
    """Yield every index of a shape, last axis fastest."""
    return product(*(range(size) for size in shape))


def each_of(index: Index) -> Iterator[Index]:
    """Yield each of those that an index of arrays stands for; a plain one is itself."""
    if not is_many(index):
        yield index
        return
    shape = shape_of_many(index)
    yield from zip(*(np.broadcast_to(at, shape).ravel().tolist() for at in index), strict=True)


def broadcast_index(index: Index, shape: tuple[int, ...]) -> Index:
    """Return the index in an operand of `shape` that output `index` was made from."""
    own = index[len(index) - len(shape) :] if shape else ()
    return tuple(0 if size == 1 else at for at, size in zip(own, shape, strict=True))


def broadcast_targets(
    index: Index, shape: tuple[int, ...], output: tuple[int, ...]
) -> Iterator[Index]:
    """Yield the output indices that one operand element was spread to."""
    extra = len(output) - len(shape)
    padded = (1,) * extra + shape
    own = (0,) * extra + index
    return product(
        *(
            range(size) if width == 1 else (at,)
            for at, width, size in zip(own, padded, output, strict=True)
        )
    )


def broadcast_axes(shape: tuple[int, ...], output: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of the output along which an operand of `shape` was spread."""
    extra = len(output) - len(shape)
    padded = (1,) * extra + shape
    return tuple(
        axis for axis, (width, size) in enumerate(zip(padded, output, strict=True)) if width != size
    ) + tuple(axis for axis in range(extra) if output[axis] == 1)


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its operand was spread."""
    gradient = np.asarray(gradient)
    axes = broadcast_axes(shape, gradient.shape)
    return gradient.sum(axis=axes).reshape(shape) if axes else gradient


def sum_to(body: Expression, output: tuple[int, ...], shape: tuple[int, ...]) -> Expression:
    """Wrap a whole-tensor gradient in the sum that `unbroadcast` takes, if it takes one."""
    axes = broadcast_axes(shape, output)
    return SumOver(expanded(body, output), axes, shape) if axes else body


def normalized_axes(dim: int | Iterable[int] | None, rank: int) -> tuple[int, ...]:
    """Return a reduction's `dim` as sorted axes from 0; all of them for None."""
    if dim is None:
        return tuple(range(rank))
    chosen = (dim,) if isinstance(dim, int) else tuple(dim)
    return tuple(sorted(axis % rank for axis in chosen)) if chosen and rank else tuple(range(rank))
