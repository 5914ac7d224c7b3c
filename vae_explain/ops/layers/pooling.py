"""Pools, which bring what a window covers to one number: `max_pool1d`, `adaptive_avg_pool2d`, …

Their windows are over the last axes: one of a signal, two of an image, three of a volume. They
slide, or there are as many as are asked for. Those differ in size where the output does not
divide the input, and may overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, reduce
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple
from ...symbolic.build import summed
from ...symbolic.expression import ONE, Apply, Div, Expression, Index, Number
from ...trace import Array
from ..binding import REQUIRED, NotExplained, Read, Refused, binder
from ..copying import Sources, copying
from ..rule import Call, Options, Partial, Rule, unusual
from .windows import for_each_axis, per_axis

Shape = tuple[int, ...]
Sizes = tuple[int | None, ...]
Counts = list[list[int]]  # for each axis what each window counts; a divisor is their product


class Cover(NamedTuple):
    """For each axis its size, and which places each of its windows covers."""

    sizes: Shape
    axes: list[list[range]]
    last_first: bool = False  # the order of the windows over a place

    def covered(self, window: Index) -> list[Index]:
        """Return the places that a window covers, in order."""
        return list(product(*(axis[at] for axis, at in zip(self.axes, window, strict=True))))

    def covering(self, place: Index) -> list[Index]:
        """Return the windows that cover a place, in order."""
        over = (
            [window for window, places in enumerate(axis) if at in places]
            for axis, at in zip(self.axes, place, strict=True)
        )
        return list(product(*(axis[:: -1 if self.last_first else 1] for axis in over)))

    def table(self) -> Array:
        """Return for each window its places, counted through all axes; -1 where there are fewer."""
        flat = np.zeros((1, 1), dtype=int)
        for size, axis in zip(self.sizes, self.axes, strict=True):
            most = max(map(len, axis))
            rows = np.array([[*places, *[-1] * (most - len(places))] for places in axis])
            before = flat[:, None, :, None]
            both = np.where((before < 0) | (rows[:, None] < 0), -1, before * size + rows[:, None])
            flat = both.reshape(len(flat) * len(axis), -1)
        return flat


# `cover(shape, **attributes)`, for an input of a shape.
CoverOf = Callable[..., Cover]


def cover_of(call: Call, cover: CoverOf) -> Cover:
    return call.once("cover", lambda: cover(call.operands[0].shape, **call.attributes))


def covered(call: Call, cover: CoverOf, index: Index, axes: int) -> list[Expression]:
    """Return the numbers that a window covers."""
    places = cover_of(call, cover).covered(index[-axes:])
    return [call.operands[0].at((*index[:-axes], *at)) for at in places]


# --- windows that slide -----------------------------------------------------------------


def slides(axes: int, **settings: Any) -> dict[str, Any]:
    """Return the fields of a pool that has, behind the settings of all of them, these."""

    def finished(attributes: dict[str, Any]) -> dict[str, Any]:
        attributes["stride"] = attributes["stride"] or attributes["kernel_size"]
        if "dilation" in attributes:  # which is written last
            attributes["dilation"] = attributes.pop("dilation")
        return attributes

    bind = binder(
        "input",
        **for_each_axis(axes, kernel_size=REQUIRED),
        stride=Read(lambda stride: stride and per_axis(stride, axes, "stride"), None),
        **for_each_axis(axes, padding=0),
        **settings,
    ).then(finished)
    return {"bind": bind, "cover": sliding, "options": partial(sliding_options, usual=bind.usual)}


def sliding(
    shape: Shape,
    kernel_size: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape | None = None,
    ceil_mode: bool = False,
    **_: Any,
) -> Cover:
    sizes, apart = shape[-len(kernel_size) :], dilation or (1,) * len(kernel_size)
    axes = []
    for size, k, s, p, d in zip(sizes, kernel_size, stride, padding, apart, strict=True):
        free = size + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if ceil_mode else free // s) + 1
        # A window that would start behind the image and its padding is left out again.
        count -= ceil_mode and (count - 1) * s >= size + p
        starts = range(-p, -p + count * s, s)
        # What it has of the padding is never covered.
        axes.append([range(max(a, a % d), min(a + k * d, size), d) for a in starts])
    return Cover(sizes, axes, last_first=True)


def sliding_counts(
    shape: Shape, count_include_pad: bool, divisor_override: int | None, **settings: Any
) -> Counts:
    axes = sliding(shape, **settings).axes
    if divisor_override is not None:
        first, *others = map(len, axes)
        return [[divisor_override] * first, *([1] * windows for windows in others)]
    if not count_include_pad:
        return [list(map(len, axis)) for axis in axes]
    pads: Any = zip(shape[-len(axes) :], axes, *map(settings.get, NAMES), strict=True)
    # Padding may count; what `ceil_mode` adds behind it never does.
    return [
        [min(at * s + k, size + 2 * p) - at * s for at in range(len(axis))]
        for size, axis, k, s, p in pads
    ]


NAMES = ("kernel_size", "stride", "padding")


def sliding_options(call: Call, usual: Mapping[str, Any]) -> Options:
    # A stride as wide as the kernel is what one expects: windows side by side.
    beside = call.attributes["stride"] == call.attributes["kernel_size"]
    return unusual({**call.attributes, **({"stride": None} if beside else {})}, usual)


# --- as many windows as are asked for ---------------------------------------------------


def adapts(axes: int, **settings: Any) -> dict[str, Any]:
    """Return the fields of a pool that has the size of its output, and these settings."""

    def read(asked: Any) -> Sizes:
        sizes = (asked,) if isinstance(asked, int | None) else tuple(asked)
        if not all(isinstance(size, int | None) for size in sizes):
            raise NotExplained(f"output_size={sizes!r}")
        return sizes * axes if len(sizes) == 1 else sizes

    return {"bind": binder("input", output_size=Read(read), **settings), "cover": adaptive}


def adaptive(shape: Shape, output_size: Sizes) -> Cover:
    sizes = shape[-len(output_size) :]
    counts = [size if out is None else out for size, out in zip(sizes, output_size, strict=True)]
    return Cover(
        sizes,
        [
            # Rounded outwards: the last end is a ceiling, written as a floor of the negative.
            [range(at * size // out, -(-(at + 1) * size // out)) for at in range(out)]
            for size, out in zip(sizes, counts, strict=True)
        ],
    )


def adaptive_counts(shape: Shape, output_size: Sizes) -> Counts:
    return [list(map(len, axis)) for axis in adaptive(shape, output_size).axes]


# --- the largest ------------------------------------------------------------------------


def largest(name: str, axes: int, *, cover: CoverOf, **fields: Any) -> Rule:
    """Make the rule of a pool that copies the largest number that a window covers.

    As in PyTorch the first of equals is chosen, and NaN before every number.
    """

    def sources(x: Array, **settings: Any) -> Sources:
        over = cover(x.shape, **settings)
        table, rows = over.table(), x.reshape(-1, prod(over.sizes))
        met = np.where(table < 0, -np.inf, np.real(rows)[:, table])
        undefined = np.isnan(met)
        last = met.shape[-1] - 1 - undefined[..., ::-1].argmax(axis=-1)
        best = np.where(undefined.any(axis=-1), last, met.argmax(axis=-1))
        starts = rows.shape[1] * np.arange(len(rows))[:, None]
        chosen = 1 + starts + np.take_along_axis(table, best.T, 1).T
        return Sources(chosen.reshape(*x.shape[:-axes], *map(len, over.axes)), [x.shape])

    def element(call: Call, index: Index) -> Expression:
        numbers = covered(call, cover, index, axes)
        return Apply("max", tuple(numbers)) if len(numbers) > 1 else numbers[0]

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        taken = call.once("sources", lambda: sources(*call.arrays, **call.attributes))
        windows = cover_of(call, cover).covering(index[-axes:])
        outs = ((*index[:-axes], *window) for window in windows)
        return [(out, ONE) for out in outs if taken.of(out) == (0, index)]

    return copying(
        name,
        forward=lambda x, **settings: x.reshape(-1)[sources(x, **settings).numbers - 1],
        sources=sources,
        element=element,
        partials=partials,
        kind="",
        functional=True,
        **fields,
    )


# --- the mean ---------------------------------------------------------------------------


def mean(
    name: str, axes: int, *, cover: CoverOf, counts: Callable[..., Counts], **fields: Any
) -> Rule:
    """Make the rule of a pool of means; `counts(shape, **attributes)` is what each is over."""

    def divisors(x: Array, settings: Any) -> Array:
        each = map(np.array, counts(x.shape, **settings))
        return np.asarray(reduce(np.multiply.outer, each)).astype(x.dtype)

    def forward(x: Array, **settings: Any) -> Array:
        sums = x
        for axis, windows in enumerate(cover(x.shape, **settings).axes, x.ndim - axes):
            parts = [np.take(sums, places, axis).sum(axis=axis) for places in windows]
            sums = np.stack(parts, axis=axis)
        return np.asarray(sums / divisors(x, settings))

    def vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
        share: Array = upstream / divisors(x, settings).astype(upstream.dtype)
        for axis, windows in enumerate(cover(x.shape, **settings).axes, x.ndim - axes):
            spread = np.zeros((*share.shape[:axis], x.shape[axis], *share.shape[axis + 1 :]))
            spread = spread.astype(share.dtype)
            for at, places in enumerate(windows):
                np.moveaxis(spread, axis, 0)[list(places)] += np.moveaxis(share, axis, 0)[at]
            share = spread
        return (share,)

    def divisor(call: Call, window: Index) -> Expression:
        shape = call.operands[0].shape
        each = call.once("counts", lambda: counts(shape, **call.attributes))
        return Number(float(prod(axis[at] for axis, at in zip(each, window, strict=True))))

    def element(call: Call, index: Index) -> Expression:
        return Div(summed(covered(call, cover, index, axes)), divisor(call, index[-axes:]))

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        lead, place = index[:-axes], index[-axes:]
        windows = cover_of(call, cover).covering(place)
        return [((*lead, *out), Div(ONE, divisor(call, out))) for out in windows]

    return Rule(
        name=name,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        functional=True,
        **fields,
    )


# --- the rules --------------------------------------------------------------------------

PLACES = Refused(False, "return_indices=True")
AVERAGING = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None}

MAX_POOL1D, MAX_POOL2D, MAX_POOL3D = (
    largest(
        f"max_pool{axes}d",
        axes,
        words="the largest of each window; where several are, the first",
        **slides(axes, **for_each_axis(axes, dilation=1), ceil_mode=False, return_indices=PLACES),
    )
    for axes in (1, 2, 3)
)
AVG_POOL1D, AVG_POOL2D, AVG_POOL3D = (
    mean(
        f"avg_pool{axes}d",
        axes,
        counts=sliding_counts,
        words="the mean of each window",
        **slides(axes, **AVERAGING),
    )
    for axes in (1, 2, 3)
)
ADAPTIVE_MAX_POOL1D, ADAPTIVE_MAX_POOL2D, ADAPTIVE_MAX_POOL3D = (
    largest(
        f"adaptive_max_pool{axes}d",
        axes,
        words="the largest of each of so many windows; where several are, the first",
        **adapts(axes, return_indices=PLACES),
    )
    for axes in (1, 2, 3)
)
ADAPTIVE_AVG_POOL1D, ADAPTIVE_AVG_POOL2D, ADAPTIVE_AVG_POOL3D = (
    mean(
        f"adaptive_avg_pool{axes}d",
        axes,
        counts=adaptive_counts,
        linear=True,
        words="the mean of each of so many windows",
        **adapts(axes),
    )
    for axes in (1, 2, 3)
)
