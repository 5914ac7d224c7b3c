"""Elements by a key that the call works out: `flip`, `roll`, `take`, `masked_select`, …"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Array
from ..binding import Bound, NotExplained, binder
from .select import Key, at_axis, selecting
from .transpose import bind_permute


def flip_key(x: Array, dims: tuple[int, ...]) -> Key:
    turned = {dim % x.ndim for dim in dims}
    return tuple(slice(None, None, -1 if axis in turned else None) for axis in range(x.ndim))


FLIP = selecting("flip", bind=bind_permute, key=flip_key, words="the same numbers, back to front")


def bind_roll(input: Any, shifts: Any = None, dims: Any = None) -> Bound:
    both = [(value,) if isinstance(value, int) else tuple(value or ()) for value in (shifts, dims)]
    return (input,), {"shifts": both[0], "dims": both[1]}


def roll_key(x: Array, shifts: tuple[int, ...], dims: tuple[int, ...]) -> Key:
    if not dims:  # through all axes at once, as if they were one
        order = np.roll(np.arange(x.size), shifts[0]).reshape(x.shape)
        return np.unravel_index(order, x.shape)
    turned = [np.arange(size) for size in x.shape]
    for shift, dim in zip(shifts, dims, strict=True):
        turned[dim] = np.roll(turned[dim], shift)
    return np.ix_(*turned)


ROLL = selecting("roll", bind=bind_roll, key=roll_key, words="the same numbers, moved on in a ring")


TAKE = selecting(
    "take",
    bind=binder("input", "index"),
    key=lambda x, index: np.unravel_index(index % x.size, x.shape),
    chosen_by=lambda call, index: [(1, index)],
    by_name=True,
    words="the elements that an index counts through all axes",
)


def masked_key(x: Array, mask: Array) -> Key:
    """Return where a mask holds, each of both with the axes that the other has more."""
    shape = np.broadcast_shapes(x.shape, mask.shape)
    chosen = np.nonzero(np.broadcast_to(mask, shape))[len(shape) - x.ndim :]
    return tuple(
        np.zeros_like(at) if size == 1 else at for at, size in zip(chosen, x.shape, strict=True)
    )


MASKED_SELECT = selecting(
    "masked_select",
    bind=binder("input", "mask"),
    key=masked_key,
    words="the elements where a mask holds",
)


def bind_repeat_interleave(
    input: Any, repeats: Any, dim: int | None = None, *, output_size: Any = None
) -> Bound:
    if not isinstance(repeats, int) or dim is None:
        raise NotExplained("repeats that are a tensor, or no axis")
    return (input,), {"repeats": repeats, "dim": dim}


REPEAT_INTERLEAVE = selecting(
    "repeat_interleave",
    bind=bind_repeat_interleave,
    key=lambda x, repeats, dim: at_axis(dim, x.ndim, np.repeat(np.arange(x.shape[dim]), repeats)),
    words="each number several times in a row",
)
