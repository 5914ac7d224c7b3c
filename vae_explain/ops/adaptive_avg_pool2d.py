"""`adaptive_avg_pool2d`: means of windows, as many windows as are asked for.

The windows differ in size where the output does not divide the input, and may overlap;
each is a span of rows times a span of columns.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..expression import ONE, Div, Expression, Index, Number, Opaque
from ..trace import Array, Slot
from .rule import Bound, Call, NotExplained, Partial, Rule, called
from .sliding import options, total

Spans = list[list[tuple[int, int]]]  # for rows and for columns, where each window starts and ends


def bind(input: Any, output_size: Any) -> Bound:
    sizes = (output_size,) * 2 if isinstance(output_size, int | None) else tuple(output_size)
    if not all(isinstance(size, int | None) for size in sizes):
        raise NotExplained(f"output_size={sizes!r}")
    return (input,), {"output_size": sizes * 2 if len(sizes) == 1 else sizes}


def spans(shape: tuple[int, ...], output_size: tuple[int | None, ...]) -> Spans:
    return [
        # Rounded outwards: the last end is a ceiling, written as a floor of the negative.
        [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
        for size, out in (
            (size, size if out is None else out)
            for size, out in zip(shape[-2:], output_size, strict=True)
        )
    ]


def _counts(found: Spans, dtype: Any) -> Array:
    rows, columns = ([end - start for start, end in axis] for axis in found)
    return np.multiply.outer(rows, columns).astype(dtype)


def forward(x: Array, output_size: tuple[int | None, ...]) -> Array:
    found = spans(x.shape, output_size)
    rows = np.stack([x[..., a:b, :].sum(axis=-2) for a, b in found[0]], axis=-2)
    both = np.stack([rows[..., a:b].sum(axis=-1) for a, b in found[1]], axis=-1)
    mean: Array = both / _counts(found, x.dtype)
    return mean


def vjp(
    upstream: Array, output: Array, x: Array, output_size: tuple[int | None, ...]
) -> tuple[Array]:
    found = spans(x.shape, output_size)
    share = upstream / _counts(found, upstream.dtype)
    rows = np.zeros((*x.shape[:-1], share.shape[-1]), share.dtype)
    for i, (a, b) in enumerate(found[0]):
        rows[..., a:b, :] += share[..., i : i + 1, :]
    both = np.zeros(x.shape, share.dtype)
    for i, (a, b) in enumerate(found[1]):
        both[..., a:b] += rows[..., i : i + 1]
    return (both,)


def _mean_of(found: Spans, at: Index) -> tuple[list[range], Number]:
    covered = [range(*axis[i]) for axis, i in zip(found, at, strict=True)]
    return covered, Number(float(prod(map(len, covered))))


def element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    *lead, row, column = index
    (rows, columns), count = _mean_of(spans(x.shape, **call.attributes), (row, column))
    return Div(total([x.at((*lead, i, j)) for i in rows for j in columns]), count)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    found = spans(call.operands[0].shape, **call.attributes)
    *lead, row, column = index
    over = [
        [out for out, (start, end) in enumerate(axis) if start <= at < end]
        for axis, at in zip(found, (row, column), strict=True)
    ]
    return [((*lead, i, j), Div(ONE, _mean_of(found, (i, j))[1])) for i in over[0] for j in over[1]]


def formula(call: Call) -> Expression:
    x = call.operands[0].whole()
    return Opaque(
        "adaptive_avg_pool2d",
        (x,),
        options(call.attributes, {}),
        lambda whole: forward(whole, **call.attributes),
    )


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    (x,) = call.operands

    def back(g: Any) -> Array:
        full = np.broadcast_to(g, call.output.shape)
        return vjp(full, call.output.array, x.array, **call.attributes)[0]

    settings = options(call.attributes, {})
    return Opaque("adaptive_avg_pool2d_backward", (upstream,), settings, back)


_IMAGE = (np.arange(2 * 2 * 4 * 5) * 7 % 23 - 11.0).reshape(2, 2, 4, 5) / 16

ADAPTIVE_AVG_POOL2D = Rule(
    name="adaptive_avg_pool2d",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="the mean of each of so many windows",
    torch="torch.nn.functional.adaptive_avg_pool2d",
    examples=(
        called(bind, (_IMAGE,), Slot(0), 1),
        called(bind, (_IMAGE,), Slot(0), (3, 2)),
        called(bind, (_IMAGE[0],), Slot(0), (None, 4)),
    ),
)
