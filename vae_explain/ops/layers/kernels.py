"""The three moves of a kernel: from a large grid to a small one, back, and to the weight.

A convolution and its transpose are one relation read in two directions. The weight always
has the shape [channels of the small grid, channels of the large grid in a group, *kernel],
and each of its numbers ties one small element to one large element in every window. So
`correlate`, `spread` and `tie` are all there is, and each is the gradient of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...trace import Array
from .windows import Windows

# --- the windows ------------------------------------------------------------------------


def reading_windows(
    shape: tuple[int, ...], kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any
) -> Windows:
    """Return the windows of a convolution over a large grid of the given shape."""
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":
        # What the padding cannot share out evenly stands behind the grid, as in PyTorch.
        return Windows(shape, shape, kernel, stride, dilation, tuple(s // 2 for s in spans))
    small = tuple(
        (size + 2 * p - span - 1) // s + 1
        for size, p, span, s in zip(shape, padding, spans, stride, strict=True)
    )
    return Windows(shape, small, kernel, stride, dilation, padding)


def writing_windows(
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
) -> Windows:
    """Return the windows of a transposed convolution over a small grid of the given shape."""
    large = tuple(
        (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for size, s, p, d, k, extra in zip(
            shape, stride, padding, dilation, kernel, output_padding, strict=True
        )
    )
    return Windows(large, shape, kernel, stride, dilation, padding)


def windows(x: tuple[int, ...], weight: tuple[int, ...], attributes: Mapping[str, Any]) -> Windows:
    """Return the windows of either, for an input and a weight of these shapes."""
    kernel = weight[2:]
    settings = {key: value for key, value in attributes.items() if key != "groups"}
    make: Callable[..., Windows] = (
        writing_windows if "output_padding" in settings else reading_windows
    )
    return make(x[-len(kernel) :], kernel, **settings)


# --- whole tensors ----------------------------------------------------------------------
#
# Inside, channels come first and the batch second, so that for each tap and group there is
# one product of matrices over the whole batch.


def _channels_first(grid: Array, axes: int) -> Array:
    """Return [channel, sample, *place], as a view; an image alone is a batch of one."""
    return grid.reshape(-1, *grid.shape[-axes - 1 :]).swapaxes(0, 1)


def _with_lead(grid: Array, lead: tuple[int, ...]) -> Array:
    return grid.swapaxes(0, 1).reshape(*lead, grid.shape[0], *grid.shape[2:])


def _columns(grid: Array, groups: int) -> Array:
    """Flatten to [group, channel in the group, sample and place]."""
    return grid.reshape(groups, grid.shape[0] // groups, -1)


def _matrices(weight: Array, groups: int, axes: int) -> Array:
    """Lay the weight out as one matrix for each tap and group."""
    blocks = weight.reshape(groups, -1, *weight.shape[1:])
    return np.ascontiguousarray(np.moveaxis(blocks, range(-axes, 0), range(axes)))


def correlate(large: Array, weight: Array, by: Windows, groups: int) -> Array:
    """Go from large to small: each tap's matrix times what that tap meets."""
    axes = len(by.kernel)
    framed = by.pad(_channels_first(large, axes))
    matrices = _matrices(weight, groups, axes)
    total: Any = 0
    for tap in by.taps():
        total += matrices[tap] @ _columns(by.met_by(tap, framed), groups)
    small = total.reshape(weight.shape[0], framed.shape[1], *by.small)
    return _with_lead(small, large.shape[: -axes - 1])


def spread(small: Array, weight: Array, by: Windows, groups: int) -> Array:
    """Go from small to large: each tap's transposed matrix, added to what that tap meets."""
    axes = len(by.kernel)
    matrices = _matrices(weight, groups, axes).swapaxes(-1, -2)
    first = _channels_first(small, axes)
    columns = _columns(first, groups)
    lead = (groups * weight.shape[1], first.shape[1])
    parts = ((matrices[tap] @ columns).reshape(*lead, *by.small) for tap in by.taps())
    large = by.gathered(lead, np.result_type(small, weight), parts)
    return _with_lead(large, small.shape[: -axes - 1])


def tie(large: Array, small: Array, by: Windows, groups: int) -> Array:
    """Go from both to the weight: for each tap the products, summed over batch and windows."""
    axes = len(by.kernel)
    framed = by.pad(_channels_first(large, axes))
    columns = _columns(_channels_first(small, axes), groups)
    taps = [
        columns @ _columns(by.met_by(tap, framed), groups).swapaxes(-1, -2) for tap in by.taps()
    ]
    stacked = np.stack(taps, axis=-1)
    return stacked.reshape(-1, stacked.shape[2], *by.kernel)
