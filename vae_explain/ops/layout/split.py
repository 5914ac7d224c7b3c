"""Taking a tensor apart: `chunk`, `split`, `tensor_split`, `unbind`.

Each part is an output of its own.
"""

from __future__ import annotations

from typing import Any

from ...trace import Array
from ..binding import REQUIRED, Bound, NotExplained, binder
from .select import Key, at_axis, selecting


def chunk_key(x: Array, chunks: int, dim: int, output: int) -> Key:
    size = -(-x.shape[dim] // chunks)
    return at_axis(dim, x.ndim, slice(output * size, min((output + 1) * size, x.shape[dim])))


CHUNK = selecting(
    "chunk",
    bind=binder("input", chunks=REQUIRED, dim=0),
    key=chunk_key,
    words="one of equal parts",
    several=True,
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


SPLIT = selecting("split", bind=bind_split, key=split_key, words="one of its parts", several=True)


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
    several=True,
)


UNBIND = selecting(
    "unbind",
    bind=binder("input", dim=0),
    key=lambda x, dim, output: at_axis(dim, x.ndim, output),
    words="one of its slices",
    several=True,
)
