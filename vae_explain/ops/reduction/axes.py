"""Which elements an op over some or all axes brings together, and where they end up.

The calls here have the attributes `dim` and `keepdim`, as PyTorch takes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Index, Reshape
from ...symbolic.shapes import expanded, shape_of
from ...trace import Array
from ..at_once import grid
from ..broadcasting import normalized_axes
from ..rule import Call, Options, Rule, unusual

# Makes the rule of an op that brings the numbers along some axes to one.
reduction = partial(Rule, kind="reduction", gradient_broadcasts=True)


def reduced(call: Call) -> tuple[int, ...]:
    """The axes that are summed over."""
    return normalized_axes(call.attributes["dim"], len(call.operands[0].shape))


def axis_options(call: Call, keepdim: bool = False) -> Options:
    """Return the axes as far as a formula has to mention them: none where it is all.

    With `keepdim` it mentions as well that they stay.
    """
    axes = reduced(call)
    dim = None if call.attributes["dim"] is None else axes[0] if len(axes) == 1 else axes
    return unusual({"dim": dim, "keepdim": keepdim and kept(call)}, {"keepdim": False})


def count(call: Call) -> int:
    """How many elements go into each output element."""
    shape = call.operands[0].shape
    return prod(shape[axis] for axis in reduced(call))


def along(index: Index, axis: int, size: int) -> list[Index]:
    """Return the indices that differ from one only along an axis; a single number has one."""
    if not index:
        return [()]
    return [(*index[:axis], at, *index[axis + 1 :]) for at in range(size)]


def sources(call: Call, index: Index) -> Iterator[Index]:
    """Yield the input indices that one output element sums."""
    shape = call.operands[0].shape
    axes = reduced(call)
    own = iter(at for axis, at in enumerate(index) if axis not in axes or not kept(call))
    places = [range(size) if axis in axes else (next(own),) for axis, size in enumerate(shape)]
    yield from product(*places)


def sources_at_once(call: Call, index: Index) -> Index:
    """Return the same as one index of arrays."""
    shape, axes = call.operands[0].shape, reduced(call)
    own = iter(at for axis, at in enumerate(index) if axis not in axes or not kept(call))
    return grid([np.arange(size) if at in axes else next(own) for at, size in enumerate(shape)])


def target(call: Call, index: Index) -> Index:
    """Return the output index that an input element went into."""
    axes = reduced(call)
    if kept(call):
        return tuple(0 if axis in axes else at for axis, at in enumerate(index))
    return tuple(at for axis, at in enumerate(index) if axis not in axes)


def kept(call: Call) -> bool:
    return bool(call.attributes["keepdim"])


def with_ones(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape whose summed axes have length 1."""
    return tuple(1 if axis in axes else size for axis, size in enumerate(shape))


def spread(upstream: Array, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Array:
    """Give every summed element its output's upstream gradient."""
    ones = with_ones(shape, normalized_axes(dim, len(shape)))
    return np.broadcast_to(np.asarray(upstream).reshape(ones), shape)


def spread_formula(call: Call, upstream: Expression) -> Expression:
    # A number broadcasts by itself; otherwise the summed axes come back with length 1.
    ones = with_ones(call.operands[0].shape, reduced(call))
    if not call.output.shape or not shape_of(upstream) or call.output.shape == ones:
        return upstream
    return Reshape(expanded(upstream, call.output.shape), ones)
