"""`adaptive_avg_pool1d`, `adaptive_max_pool2d` and their kin: as many windows as are asked for.

The windows differ in size where the output does not divide the input, and may overlap; each is
a span along every axis: of an image, of rows and of columns.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import Index
from ...trace import Array
from ..binding import REQUIRED, Bound, NotExplained, Refused, binder
from ..rule import Rule
from .pools import Counts, divisors, pooling
from .windows import call_options

Sizes = tuple[int | None, ...]


def binding(axes: int, **settings: Any) -> Callable[..., Bound]:
    bound = binder("input", output_size=REQUIRED, **settings)

    def bind(*args: Any, **kwargs: Any) -> Bound:
        operands, attributes = bound(*args, **kwargs)
        asked = attributes["output_size"]
        sizes = (asked,) if isinstance(asked, int | None) else tuple(asked)
        if not all(isinstance(size, int | None) for size in sizes):
            raise NotExplained(f"output_size={sizes!r}")
        return operands, {"output_size": sizes * axes if len(sizes) == 1 else sizes}

    return bind


@dataclass(frozen=True)
class Spans:
    """For each axis, where its windows start and end."""

    axes: list[list[tuple[int, int]]]

    def covered(self, window: Index) -> list[Index]:
        spans = (axis[at] for axis, at in zip(self.axes, window, strict=True))
        return list(product(*(range(*span) for span in spans)))

    def covering(self, place: Index) -> list[Index]:
        over = (
            [window for window, (start, end) in enumerate(axis) if start <= at < end]
            for axis, at in zip(self.axes, place, strict=True)
        )
        return list(product(*over))


def spans(shape: tuple[int, ...], output_size: Sizes) -> Spans:
    sizes = shape[-len(output_size) :]
    counts = [size if out is None else out for size, out in zip(sizes, output_size, strict=True)]
    return Spans(
        [
            # Rounded outwards: the last end is a ceiling, written as a floor of the negative.
            [(at * size // out, -(-(at + 1) * size // out)) for at in range(out)]
            for size, out in zip(sizes, counts, strict=True)
        ]
    )


def counts(shape: tuple[int, ...], output_size: Sizes) -> Counts:
    return [[end - start for start, end in axis] for axis in spans(shape, output_size).axes]


# --- means ------------------------------------------------------------------------------


def mean_forward(x: Array, output_size: Sizes) -> Array:
    sums = x
    for axis, windows in enumerate(spans(x.shape, output_size).axes, x.ndim - len(output_size)):
        parts = [np.take(sums, range(a, b), axis).sum(axis=axis) for a, b in windows]
        sums = np.stack(parts, axis=axis)
    return np.asarray(sums / divisors(counts(x.shape, output_size), x.dtype))


def mean_vjp(upstream: Array, output: Array, x: Array, output_size: Sizes) -> tuple[Array]:
    share: Array = upstream / divisors(counts(x.shape, output_size), upstream.dtype)
    for axis, windows in enumerate(spans(x.shape, output_size).axes, x.ndim - len(output_size)):
        shape = (*share.shape[:axis], x.shape[axis], *share.shape[axis + 1 :])
        spread = np.zeros(shape, share.dtype)
        for at, (a, b) in enumerate(windows):
            np.moveaxis(spread, axis, 0)[a:b] += np.moveaxis(share, axis, 0)[at]
        share = spread
    return (share,)


# --- the largest ------------------------------------------------------------------------


def chosen(x: Array, axes: int, output_size: Sizes) -> Array:
    """Return for each window the place of its largest, counted through all its axes."""
    lead, grid = x.shape[:-axes], x.shape[-axes:]
    flat = x.reshape(*lead, -1)
    places = np.arange(flat.shape[-1]).reshape(grid)
    choices = []
    for window in product(*spans(x.shape, output_size).axes):
        covered = places[tuple(slice(*span) for span in window)].ravel()
        met = np.real(flat[..., covered])
        undefined = np.isnan(met)
        last = met.shape[-1] - 1 - undefined[..., ::-1].argmax(axis=-1)
        best = np.where(undefined.any(axis=-1), last, met.argmax(axis=-1))
        choices.append(covered[best])
    return np.stack(choices, axis=-1)


def max_forward(x: Array, output_size: Sizes) -> Array:
    axes = len(output_size)
    lead = x.shape[:-axes]
    flat = x.reshape(*lead, -1)
    largest = np.take_along_axis(flat, chosen(x, axes, output_size), -1)
    return largest.reshape(*lead, *map(len, spans(x.shape, output_size).axes))


def max_vjp(upstream: Array, output: Array, x: Array, output_size: Sizes) -> tuple[Array]:
    axes = len(output_size)
    choices = chosen(x, axes, output_size)
    arriving = upstream.reshape(choices.shape)
    back = np.zeros((*x.shape[:-axes], prod(x.shape[-axes:])), upstream.dtype)
    for window in range(choices.shape[-1]):  # several windows may have chosen one place
        at = choices[..., window : window + 1]
        met = np.take_along_axis(back, at, -1) + arriving[..., window : window + 1]
        np.put_along_axis(back, at, met, -1)
    return (back.reshape(x.shape),)


# --- the rules --------------------------------------------------------------------------


def _mean(axes: int) -> Rule:
    return pooling(
        f"adaptive_avg_pool{axes}d",
        axes,
        bind=binding(axes),
        cover=spans,
        counts=counts,
        forward=mean_forward,
        vjp=mean_vjp,
        options=call_options,
        linear=True,
        words="the mean of each of so many windows",
    )


def _largest(axes: int) -> Rule:
    return pooling(
        f"adaptive_max_pool{axes}d",
        axes,
        bind=binding(axes, return_indices=Refused(False, "return_indices=True")),
        cover=spans,
        forward=max_forward,
        vjp=max_vjp,
        options=call_options,
        words="the largest of each of so many windows; where several are, the first",
    )


ADAPTIVE_AVG_POOL1D, ADAPTIVE_AVG_POOL2D, ADAPTIVE_AVG_POOL3D = map(_mean, (1, 2, 3))
ADAPTIVE_MAX_POOL1D, ADAPTIVE_MAX_POOL2D, ADAPTIVE_MAX_POOL3D = map(_largest, (1, 2, 3))
