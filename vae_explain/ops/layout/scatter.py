"""Putting numbers into places of a tensor: `scatter`, and its inverse `gather`.

An index says for each number where along one axis it goes, or where it is taken from.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Index, Opaque
from ...trace import Array
from ..binding import OPERAND, REQUIRED, Ignored, Refused, binder
from ..copying import copying
from ..rule import Call, Partial
from .select import Key, selecting

INPUT, INDEX, SOURCE = 0, 1, 2


def places(index: Array, dim: int) -> Key:
    """Return the key of the places that an index speaks of, as between brackets."""
    axes: list[Array] = list(np.indices(index.shape, sparse=True))
    # Where the shape of a formula is found out, zeros stand for the index.
    axes[dim % index.ndim] = index if index.dtype.kind in "iu" else index.astype(int)
    return tuple(axes)


GATHER = selecting(
    "gather",
    bind=binder("input", dim=REQUIRED, index=OPERAND, sparse_grad=Ignored()),
    key=lambda x, index, dim: places(index, dim),
    chosen_by=lambda call, index: [(INDEX, index)],
    by_name=True,
    words="the elements that an index names",
)


# --- into places ------------------------------------------------------------------------


def fitting(source: Array, index: Array) -> Array:
    """Return the part of what is put that the index has places for."""
    if np.ndim(source) == 0:
        return np.broadcast_to(source, index.shape)
    return np.asarray(source[tuple(slice(size) for size in index.shape)])


def back(g: Array, source: Array, index: Array, dim: int) -> Array:
    """Return the gradient at what was put, from that of where it went."""
    arriving = np.asarray(g[places(index, dim)])
    if np.ndim(source) == 0:
        return np.asarray(arriving.sum())
    gradient = np.zeros_like(np.asarray(source))
    gradient[tuple(slice(size) for size in index.shape)] = arriving
    return gradient


def scatter_forward(x: Array, index: Array, source: Array, dim: int) -> Array:
    result = np.array(x, dtype=np.result_type(x, source) if np.ndim(source) else x.dtype)
    result[places(index, dim)] = fitting(source, index)
    return result


def scatter_chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return what says where on the line of an element the numbers were put."""
    where, dim = call.operands[INDEX].array, call.attributes["dim"] % len(index)
    on_line = [(*index[:dim], at, *index[dim + 1 :]) for at in range(where.shape[dim])]
    return [
        (INDEX, at)
        for at in on_line
        if all(own < size for own, size in zip(at, where.shape, strict=True))
    ]


def scatter_partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position != SOURCE:
        return _PUT.partials(call, position, index)
    # As PyTorch has it, also of what was written over later by the same call.
    where = call.operands[INDEX].array
    axes = np.broadcast_arrays(*places(where, call.attributes["dim"]))
    if call.operands[SOURCE].shape:
        inside = all(at < size for at, size in zip(index, where.shape, strict=True))
        return [(tuple(int(axis[index]) for axis in axes), ONE)] if inside else []
    targets = zip(*(axis.ravel() for axis in axes), strict=True)
    return [(out, ONE) for out in dict.fromkeys(tuple(map(int, place)) for place in targets)]


def scatter_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    dim = call.attributes["dim"]
    index, source = call.operands[INDEX], call.operands[SOURCE].array
    if position == SOURCE:
        options = (("dim", dim),)
        return Opaque(
            "gather", (upstream, index.whole()), options, lambda g, i: back(g, source, i, dim)
        )
    wholes = (upstream, index.whole(), ZERO)
    return Opaque("scatter", wholes, (("dim", dim),), lambda g, i, z: scatter_forward(g, i, z, dim))


_PUT = copying(
    "scatter",
    # What is put may be a number, which PyTorch calls `value`.
    bind=binder("input", dim=REQUIRED, index=OPERAND, src=OPERAND, reduce=Refused()),
    forward=scatter_forward,
    copied=slice(INPUT, SOURCE + 1, SOURCE),
    gradient=scatter_gradient,
    words="numbers put into the places that an index names",
    chosen_by=scatter_chosen_by,
)
SCATTER = replace(_PUT, partials=scatter_partials)
