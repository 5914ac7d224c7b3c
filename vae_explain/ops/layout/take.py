"""Elements by a key that the call works out: `flip`, `roll`, `take`, `chunk`, `split`, …"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Array
from ..binding import REQUIRED, Bound, Ignored, NotExplained, Read, binder
from .reshape import bind_permute
from .select import Key, at_axis, selecting


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


def one_number(number: Any) -> int:
    if not isinstance(number, int):
        raise NotExplained("repeats that are a tensor, or no axis")
    return number


REPEAT_INTERLEAVE = selecting(
    "repeat_interleave",
    bind=binder(
        "input", repeats=Read(one_number), dim=Read(one_number, None), output_size=Ignored()
    ),
    key=lambda x, repeats, dim: at_axis(dim, x.ndim, np.repeat(np.arange(x.shape[dim]), repeats)),
    words="each number several times in a row",
)

# --- parts, each an output of its own ---------------------------------------------------


def chunk_key(x: Array, chunks: int, dim: int, output: int) -> Key:
    size = -(-x.shape[dim] // chunks)
    return at_axis(dim, x.ndim, slice(output * size, min((output + 1) * size, x.shape[dim])))


CHUNK = selecting(
    "chunk",
    bind=binder("input", chunks=REQUIRED, dim=0),
    key=chunk_key,
    words="one of equal parts",
    several_outputs=True,
)


def bind_split(
    tensor: Any, split_size_or_sections: Any = None, dim: int = 0, *, split_size: Any = None
) -> Bound:
    sizes = split_size if split_size_or_sections is None else split_size_or_sections
    return (tensor,), {"sizes": sizes if isinstance(sizes, int) else tuple(sizes), "dim": dim}


def split_key(x: Array, sizes: Any, dim: int, output: int) -> Key:
    if isinstance(sizes, int):
        start, end = output * sizes, min((output + 1) * sizes, x.shape[dim])
    else:
        start = sum(sizes[:output])
        end = start + sizes[output]
    return at_axis(dim, x.ndim, slice(start, end))


SPLIT = selecting(
    "split", bind=bind_split, key=split_key, words="one of its parts", several_outputs=True
)


def bind_tensor_split(
    input: Any, indices_or_sections: Any = None, dim: int = 0, **kwargs: Any
) -> Bound:
    ways = [indices_or_sections, kwargs.get("sections"), kwargs.get("indices")]
    (cuts,) = [way for way in ways if way is not None]
    if not isinstance(cuts, int | tuple):
        raise NotExplained("cuts that are a tensor")
    return (input,), {"cuts": cuts, "dim": dim}


def tensor_split_key(x: Array, cuts: Any, dim: int, output: int) -> Key:
    size = x.shape[dim]
    if isinstance(cuts, int):
        # The first parts are one longer where they can't all be of one length.
        length, longer = divmod(size, cuts)
        cuts = tuple(length * i + min(i, longer) for i in range(1, cuts))
    ends = (0, *cuts, size)
    return at_axis(dim, x.ndim, slice(ends[output], ends[output + 1]))


TENSOR_SPLIT = selecting(
    "tensor_split",
    bind=bind_tensor_split,
    key=tensor_split_key,
    words="one of its parts",
    several_outputs=True,
)


UNBIND = selecting(
    "unbind",
    bind=binder("input", dim=0),
    key=lambda x, dim, output: at_axis(dim, x.ndim, output),
    words="one of its slices",
    several_outputs=True,
)
