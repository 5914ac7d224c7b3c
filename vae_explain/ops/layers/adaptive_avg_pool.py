"""`adaptive_avg_pool1d`, `2d` and `3d`: means of windows, as many windows as are asked for.

The windows differ in size where the output does not divide the input, and may overlap;
each is a span along every sliding axis: of an image, of rows and of columns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Div, Expression, Index, Number
from ...trace import Array
from ..rule import Bound, Call, NotExplained, Partial, Rule
from .windows import call_options

Sizes = tuple[int | None, ...]
Spans = list[list[tuple[int, int]]]  # for each axis, where its windows start and end


def bind_sizes(axes: int) -> Callable[..., Bound]:
    def bind(input: Any, output_size: Any) -> Bound:
        sizes = (output_size,) if isinstance(output_size, int | None) else tuple(output_size)
        if not all(isinstance(size, int | None) for size in sizes):
            raise NotExplained(f"output_size={sizes!r}")
        return (input,), {"output_size": sizes * axes if len(sizes) == 1 else sizes}

    return bind


def spans(shape: tuple[int, ...], output_size: Sizes) -> Spans:
    return [
        # Rounded outwards: the last end is a ceiling, written as a floor of the negative.
        [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
        for size, out in (
            (size, size if out is None else out)
            for size, out in zip(shape[-len(output_size) :], output_size, strict=True)
        )
    ]


def reached(found: Spans, at: Index) -> list[Index]:
    """Return the windows that cover one place."""
    over = [
        [out for out, (start, end) in enumerate(axis) if start <= place < end]
        for axis, place in zip(found, at, strict=True)
    ]
    return list(product(*over))


def _counts(found: Spans, dtype: Any) -> Array:
    widths = (np.array([end - start for start, end in axis]) for axis in found)
    counts: Array = reduce(np.multiply.outer, widths).astype(dtype)
    return counts


def forward(x: Array, output_size: Sizes) -> Array:
    found = spans(x.shape, output_size)
    summed = x
    for axis, windows in enumerate(found, start=x.ndim - len(found)):
        parts = [np.take(summed, range(a, b), axis).sum(axis=axis) for a, b in windows]
        summed = np.stack(parts, axis=axis)
    mean: Array = summed / _counts(found, x.dtype)
    return mean


def vjp(upstream: Array, output: Array, x: Array, output_size: Sizes) -> tuple[Array]:
    found = spans(x.shape, output_size)
    share: Array = upstream / _counts(found, upstream.dtype)
    for axis, windows in enumerate(found, start=x.ndim - len(found)):
        shape = (*share.shape[:axis], x.shape[axis], *share.shape[axis + 1 :])
        spread = np.zeros(shape, share.dtype)
        for i, (a, b) in enumerate(windows):
            np.moveaxis(spread, axis, 0)[a:b] += np.moveaxis(share, axis, 0)[i]
        share = spread
    return (share,)


def _mean_of(found: Spans, at: Index) -> tuple[list[range], Number]:
    covered = [range(*axis[i]) for axis, i in zip(found, at, strict=True)]
    return covered, Number(float(prod(map(len, covered))))


def element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    found = spans(x.shape, **call.attributes)
    lead, at = index[: -len(found)], index[-len(found) :]
    covered, count = _mean_of(found, at)
    return Div(summed([x.at((*lead, *place)) for place in product(*covered)]), count)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    found = spans(call.operands[0].shape, **call.attributes)
    lead, at = index[: -len(found)], index[-len(found) :]
    return [((*lead, *out), Div(ONE, _mean_of(found, out)[1])) for out in reached(found, at)]


def _pooling(name: str, axes: int) -> Rule:
    bind = bind_sizes(axes)
    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        options=call_options,
        linear=True,
        words="the mean of each of so many windows",
        functional=True,
    )


ADAPTIVE_AVG_POOL1D = _pooling("adaptive_avg_pool1d", 1)
ADAPTIVE_AVG_POOL2D = _pooling("adaptive_avg_pool2d", 2)
ADAPTIVE_AVG_POOL3D = _pooling("adaptive_avg_pool3d", 3)
