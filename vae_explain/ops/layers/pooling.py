"""`max_pool1d`, `avg_pool2d` and their kin: the largest, or the mean, of each window.

The windows slide over the last axes: one of a signal, two of an image, three of a volume. How
many they are is read off the settings, which have a number for each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Apply, Div, Expression, Index, Number
from ...trace import Array
from ..rule import Bound, Call, NotExplained, Options, Partial, Rule
from .windows import Windows, options, per_axis

Setting = tuple[int, ...]


def windows(
    shape: tuple[int, ...],
    kernel_size: Setting,
    stride: Setting,
    padding: Setting,
    dilation: Setting | None = None,
    ceil_mode: bool = False,
) -> Windows:
    """Return the windows over the last axes of an input of the given shape."""
    large = shape[-len(kernel_size) :]
    apart = dilation or (1,) * len(large)
    small = []
    for size, k, s, p, d in zip(large, kernel_size, stride, padding, apart, strict=True):
        free = size + 2 * p - d * (k - 1) - 1
        count = (-(-free // s) if ceil_mode else free // s) + 1
        # A window that would start behind the image and its padding is left out again.
        small.append(count - (ceil_mode and (count - 1) * s >= size + p))
    return Windows(large, tuple(small), kernel_size, stride, apart, padding)


def _settings(
    axes: int, kernel_size: Any, stride: Any, padding: Any, ceil_mode: Any
) -> dict[str, Any]:
    kernel = per_axis(kernel_size, axes, "kernel_size")
    return {
        "kernel_size": kernel,
        "stride": per_axis(stride, axes, "stride") if stride not in (None, (), []) else kernel,
        "padding": per_axis(padding, axes, "padding"),
        "ceil_mode": bool(ceil_mode),
    }


def _options(call: Call) -> Options:
    # A stride as wide as the kernel is what one expects: windows side by side.
    usual = {"padding": 0, "dilation": 1, "ceil_mode": False, "count_include_pad": True}
    beside = {"stride": call.attributes["kernel_size"]}
    return options(
        {k: v for k, v in call.attributes.items() if k not in beside or v != beside[k]}, usual
    )


def _split(call: Call, index: Index) -> tuple[Index, Index]:
    axes = len(call.attributes["kernel_size"])
    return index[:-axes], index[-axes:]


# --- the largest ------------------------------------------------------------------------


def _bind_max(axes: int) -> Callable[..., Bound]:
    def bind(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Bound:
        if return_indices:
            raise NotExplained("return_indices=True")
        settings = _settings(axes, kernel_size, stride, padding, ceil_mode)
        return (input,), {**settings, "dilation": per_axis(dilation, axes, "dilation")}

    return bind


def choose(x: Array, by: Windows) -> tuple[Array, Array]:
    """Return the largest of each window and the number of the tap that met it.

    As in PyTorch the first of equals is chosen, a NaN beats every number, and padding is
    never chosen.
    """
    framed, inside = by.pad(x), by.pad(np.ones(by.large, bool))
    largest: Array = np.zeros((*x.shape[: -len(by.small)], *by.small), x.dtype)
    choice = np.full(largest.shape, -1)
    for number, tap in enumerate(by.taps()):
        met = by.met_by(tap, framed)
        better = by.met_by(tap, inside) & ((choice < 0) | (met > largest) | np.isnan(met))
        largest, choice = np.where(better, met, largest), np.where(better, number, choice)
    return largest, choice


def max_forward(x: Array, **settings: Any) -> Array:
    return choose(x, windows(x.shape, **settings))[0]


def max_vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
    by = windows(x.shape, **settings)
    choice = choose(x, by)[1]
    framed = by.frame(x.shape[: -len(by.small)], 0, upstream.dtype)
    for number, tap in enumerate(by.taps()):
        met = by.met_by(tap, framed)
        met += np.where(choice == number, upstream, np.zeros_like(upstream))
    return (by.crop(framed),)


def max_element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    lead, at = _split(call, index)
    met = [place for _, place in windows(x.shape, **call.attributes).of_small(at)]
    candidates = tuple(x.at((*lead, *place)) for place in met)
    return Apply("max", candidates) if len(candidates) > 1 else candidates[0]


def max_partials(call: Call, position: int, index: Index) -> list[Partial]:
    """Name the windows that an element is the largest of; no other depends on it."""
    (x,) = call.operands
    by = windows(x.shape, **call.attributes)
    lead, at = _split(call, index)

    def largest(small: Index) -> Index:
        found: Index = ()
        for _, place in by.of_small(small):
            number = x.array[(*lead, *place)]
            if not found or number > x.array[(*lead, *found)] or np.isnan(number):
                found = place
        return found

    return [((*lead, *out), ONE) for _, out in by.of_large(at) if largest(out) == at]


# --- the mean ---------------------------------------------------------------------------


def _bind_mean(axes: int) -> Callable[..., Bound]:
    def bind(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Bound:
        return (input,), {
            **_settings(axes, kernel_size, stride, padding, ceil_mode),
            "count_include_pad": bool(count_include_pad),
            "divisor_override": divisor_override,
        }

    return bind


def _divided(
    shape: tuple[int, ...],
    count_include_pad: bool,
    divisor_override: int | None,
    **settings: Any,
) -> tuple[Windows, list[list[int]]]:
    """Return the windows, and for each axis how many places each of them counts.

    A divisor is the product of the counts of its window.
    """
    by = windows(shape, **settings)
    if divisor_override is not None:
        first, *others = by.small
        return by, [[divisor_override] * first, *([1] * count for count in others)]
    return by, [
        [
            # Padding may count; what `ceil_mode` adds behind it never does.
            min(start + k, size + p) - start
            if count_include_pad
            else min(start + k, size) - max(start, 0)
            for start in range(-p, -p + count * stride, stride)
        ]
        for size, count, k, stride, p in zip(
            by.large, by.small, by.kernel, by.stride, by.before, strict=True
        )
    ]


def _divisors(counts: list[list[int]], dtype: Any) -> Array:
    found: Array = reduce(np.multiply.outer, map(np.array, counts)).astype(dtype)
    return found


def mean_forward(x: Array, **settings: Any) -> Array:
    by, counts = _divided(x.shape, **settings)
    framed = by.pad(x)
    found: Any = 0
    for tap in by.taps():
        found = found + by.met_by(tap, framed)
    mean: Array = found / _divisors(counts, x.dtype)
    return mean


def mean_vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
    by, counts = _divided(x.shape, **settings)
    share = upstream / _divisors(counts, upstream.dtype)
    framed = by.frame(x.shape[: -len(by.small)], 0, share.dtype)
    for tap in by.taps():
        met = by.met_by(tap, framed)
        met += share
    return (by.crop(framed),)


def _divisor(counts: list[list[int]], at: Index) -> Number:
    return Number(float(prod(axis[p] for axis, p in zip(counts, at, strict=True))))


def mean_element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    by, counts = _divided(x.shape, **call.attributes)
    lead, at = _split(call, index)
    terms = [x.at((*lead, *place)) for _, place in by.of_small(at)]
    return Div(summed(terms), _divisor(counts, at))


def mean_partials(call: Call, position: int, index: Index) -> list[Partial]:
    by, counts = _divided(call.operands[0].shape, **call.attributes)
    lead, at = _split(call, index)
    return [((*lead, *out), Div(ONE, _divisor(counts, out))) for _, out in by.of_large(at)]


# --- the rules --------------------------------------------------------------------------


def _largest(name: str, axes: int) -> Rule:
    return Rule(
        name=name,
        bind=_bind_max(axes),
        forward=max_forward,
        vjp=max_vjp,
        element=max_element,
        partials=max_partials,
        options=_options,
        words="the largest of each window; where several are, the first",
        functional=True,
    )


def _mean(name: str, axes: int) -> Rule:
    return Rule(
        name=name,
        bind=_bind_mean(axes),
        forward=mean_forward,
        vjp=mean_vjp,
        element=mean_element,
        partials=mean_partials,
        options=_options,
        words="the mean of each window",
        functional=True,
    )


MAX_POOL1D = _largest("max_pool1d", 1)
MAX_POOL2D = _largest("max_pool2d", 2)
MAX_POOL3D = _largest("max_pool3d", 3)
AVG_POOL1D = _mean("avg_pool1d", 1)
AVG_POOL2D = _mean("avg_pool2d", 2)
AVG_POOL3D = _mean("avg_pool3d", 3)
