"""`pad`, an op that only copies elements to places.

Along each axis every output place copies one input place, or holds a constant. So all
there is to know is one row of place numbers for each axis, with -1 for the constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Array
from ..binding import Bound, NotExplained
from ..copying import copying
from ..rule import Call

Places = list[Array]  # one row for each of the last axes

# --- copying by rows of places ----------------------------------------------------------


def copied(x: Array, places: Places, constant: float = 0.0) -> Array:
    copies = x
    for axis, row in enumerate(places, start=x.ndim - len(places)):
        copies = np.take(copies, np.maximum(row, 0), axis)
        np.moveaxis(copies, axis, 0)[row < 0] = constant
    return copies


def gathered(upstream: Array, places: Places, shape: tuple[int, ...]) -> Array:
    """Add up, for each input place, the gradients of its copies."""
    sums = upstream
    for axis, row in enumerate(places, start=upstream.ndim - len(places)):
        order = np.argsort(row, kind="stable")
        order = order[row[order] >= 0]  # those of one source side by side, constants left out
        sources, first = np.unique(row[order], return_index=True)
        size = (*sums.shape[:axis], shape[axis], *sums.shape[axis + 1 :])
        along = np.zeros(size, sums.dtype)
        if sources.size:
            parts = np.add.reduceat(np.take(sums, order, axis), first, axis)
            np.moveaxis(along, axis, 0)[sources] = np.moveaxis(parts, axis, 0)
        sums = along
    return sums


# --- pad --------------------------------------------------------------------------------

NUMPY_MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def bind_pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Bound:
    if mode not in ("constant", *NUMPY_MODES):
        raise NotExplained(f"mode={mode!r}")
    widths = tuple(pad)
    if not all(isinstance(width, int) for width in widths):
        raise NotExplained(f"pad={widths!r}")
    if mode != "constant" and min(widths, default=0) < 0:
        raise NotExplained(f"pad={widths!r} with mode={mode!r}")
    return (input,), {"pad": widths, "mode": mode, "value": float(value or 0.0)}


def pad_places(shape: tuple[int, ...], pad: tuple[int, ...], mode: str, value: float) -> Places:
    # PyTorch lists the widths from the last axis backwards: left, right, top, bottom.
    sides = [pad[i : i + 2] for i in range(0, len(pad), 2)][::-1]
    sizes = shape[len(shape) - len(sides) :]
    if mode == "constant":
        rows = (np.arange(-a, size + b) for size, (a, b) in zip(sizes, sides, strict=True))
        return [
            np.where((row >= 0) & (row < size), row, -1)
            for row, size in zip(rows, sizes, strict=True)
        ]
    numpy_pad: Any = np.pad  # its overloads want the mode spelled out
    return [
        numpy_pad(np.arange(size), side, mode=NUMPY_MODES[mode])
        for size, side in zip(sizes, sides, strict=True)
    ]


def forward(x: Array, **attributes: Any) -> Array:
    return copied(x, pad_places(x.shape, **attributes), attributes["value"])


def vjp(upstream: Array, output: Array, x: Array, **attributes: Any) -> tuple[Array]:
    return (gathered(upstream, pad_places(x.shape, **attributes), x.shape),)


def _places(call: Call) -> Places:
    return pad_places(call.operands[0].shape, **call.attributes)


PAD = copying(
    "pad",
    bind=bind_pad,
    forward=forward,
    vjp=vjp,
    fill="value",
    usual={"mode": "constant", "value": 0.0},
    linear=True,
    words="the same numbers with more around them",
    functional=True,
)
