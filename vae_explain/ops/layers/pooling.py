"""`max_pool1d`, `avg_pool2d` and their kin: the largest, or the mean, of each sliding window."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, repeat
from typing import Any

import numpy as np

from ...trace import Array
from ..binding import REQUIRED, Bound, Refused, binder
from ..rule import Call, Options, Rule
from .pools import Counts, divisors, pooling
from .windows import Windows, options, per_axis

Setting = tuple[int, ...]


def binding(axes: int, **settings: Any) -> Callable[..., Bound]:
    """Return a `bind` for the settings of every pool and, behind the padding, these."""
    bound = binder("input", kernel_size=REQUIRED, stride=None, padding=0, **settings)

    def bind(*args: Any, **kwargs: Any) -> Bound:
        operands, attributes = bound(*args, **kwargs)
        if attributes["stride"] in (None, (), []):
            attributes["stride"] = attributes["kernel_size"]
        for name in ("kernel_size", "stride", "padding"):
            attributes[name] = per_axis(attributes[name], axes, name)
        if "dilation" in attributes:  # which is written last
            attributes["dilation"] = per_axis(attributes.pop("dilation"), axes, "dilation")
        return operands, attributes

    return bind


def windows(
    shape: tuple[int, ...],
    kernel_size: Setting,
    stride: Setting,
    padding: Setting,
    dilation: Setting | None = None,
    ceil_mode: bool = False,
    **_: Any,
) -> Windows:
    """Return the windows over the last axes of an input of the given shape."""
    large = shape[-len(kernel_size) :]
    apart = dilation or (1,) * len(large)
    small = []
    for size, k, s, p, d in zip(large, kernel_size, stride, padding, apart, strict=True):
        free = size + 2 * p - d * (k - 1) - 1
        fitting = (-(-free // s) if ceil_mode else free // s) + 1
        # A window that would start behind the image and its padding is left out again.
        small.append(fitting - (ceil_mode and (fitting - 1) * s >= size + p))
    return Windows(large, tuple(small), kernel_size, stride, apart, padding)


def _options(call: Call) -> Options:
    # A stride as wide as the kernel is what one expects: windows side by side.
    usual = {"padding": 0, "dilation": 1, "ceil_mode": False, "count_include_pad": True}
    beside = {"stride": call.attributes["kernel_size"]}
    return options(
        {k: v for k, v in call.attributes.items() if k not in beside or v != beside[k]}, usual
    )


# --- the largest ------------------------------------------------------------------------


def choose(x: Array, by: Windows) -> tuple[Array, Array]:
    """Return the largest of each window and which tap met it.

    As in PyTorch the first of equals is chosen, a NaN beats every number, and padding is
    never chosen.
    """
    framed, inside = by.pad(x), by.pad(np.ones(by.large, bool))
    largest: Array = np.zeros((*x.shape[: -len(by.small)], *by.small), x.dtype)
    choice = np.full(largest.shape, -1)
    for position, tap in enumerate(by.taps()):
        met = by.met_by(tap, framed)
        better = by.met_by(tap, inside) & ((choice < 0) | (met > largest) | np.isnan(met))
        largest, choice = np.where(better, met, largest), np.where(better, position, choice)
    return largest, choice


def max_forward(x: Array, **settings: Any) -> Array:
    return choose(x, windows(x.shape, **settings))[0]


def max_vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
    by = windows(x.shape, **settings)
    choice = choose(x, by)[1]
    zeros = np.zeros_like(upstream)
    parts = (np.where(choice == position, upstream, zeros) for position in count())
    return (by.gathered(x.shape[: -len(by.small)], upstream.dtype, parts),)


# --- the mean ---------------------------------------------------------------------------


def counts(
    shape: tuple[int, ...], count_include_pad: bool, divisor_override: int | None, **settings: Any
) -> Counts:
    by = windows(shape, **settings)
    if divisor_override is not None:
        first, *others = by.small
        return [[divisor_override] * first, *([1] * small for small in others)]
    return [
        [
            # Padding may count; what `ceil_mode` adds behind it never does.
            min(start + k, size + p) - start
            if count_include_pad
            else min(start + k, size) - max(start, 0)
            for start in range(-p, -p + small * stride, stride)
        ]
        for size, small, k, stride, p in zip(
            by.large, by.small, by.kernel, by.stride, by.before, strict=True
        )
    ]


def mean_forward(x: Array, **settings: Any) -> Array:
    by = windows(x.shape, **settings)
    framed = by.pad(x)
    total: Any = 0
    for tap in by.taps():
        total = total + by.met_by(tap, framed)
    return np.asarray(total / divisors(counts(x.shape, **settings), x.dtype))


def mean_vjp(upstream: Array, output: Array, x: Array, **settings: Any) -> tuple[Array]:
    by = windows(x.shape, **settings)
    share: Array = upstream / divisors(counts(x.shape, **settings), upstream.dtype)
    return (by.gathered(x.shape[: -len(by.small)], share.dtype, repeat(share)),)


# --- the rules --------------------------------------------------------------------------


def _largest(axes: int) -> Rule:
    refused = Refused(False, "return_indices=True")
    return pooling(
        f"max_pool{axes}d",
        axes,
        bind=binding(axes, dilation=1, ceil_mode=False, return_indices=refused),
        cover=windows,
        forward=max_forward,
        vjp=max_vjp,
        options=_options,
        words="the largest of each window; where several are, the first",
    )


def _mean(axes: int) -> Rule:
    settings = {"ceil_mode": False, "count_include_pad": True, "divisor_override": None}
    return pooling(
        f"avg_pool{axes}d",
        axes,
        bind=binding(axes, **settings),
        cover=windows,
        counts=counts,
        forward=mean_forward,
        vjp=mean_vjp,
        options=_options,
        words="the mean of each window",
    )


MAX_POOL1D, MAX_POOL2D, MAX_POOL3D = map(_largest, (1, 2, 3))
AVG_POOL1D, AVG_POOL2D, AVG_POOL3D = map(_mean, (1, 2, 3))
