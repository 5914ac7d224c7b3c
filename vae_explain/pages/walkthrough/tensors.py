"""A tensor on a page: all of its numbers, or a summary where nobody would read them all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...engine.index_ranges import Source
from ...symbolic.expression import Index, Role
from ...symbolic.text import index_text
from ...trace import Array, pieces
from ..blocks import Entry, Matrix, Places, Summary

# Numbers of a tensor that are shown one by one: about a screen of 80 columns, seven or
# eight in a row. In more than that nobody finds the one that matters. It is the number
# that counts and not the shape, so that a long row and a square are treated alike.
MOST_NUMBERS = 256
MOST_LARGEST = 5


def is_big(array: Array, most: int = MOST_NUMBERS) -> bool:
    """Whether a tensor has too many numbers to be shown one by one."""
    return array.size > most


def tensor(
    name: str,
    array: Array,
    role: Role,
    places: Places,
    *,
    accent: bool = False,
    ask: str = "",
    drop: int = 0,
    source: Source | None = None,
    most: int = MOST_NUMBERS,
) -> Matrix | Summary:
    """Return a block that shows a tensor as far as it fits a page.

    Parameters
    ----------
    ask
        What `why` calls the tensor; empty when it cannot be asked for.
    drop
        How many leading axes an index leaves out, as that of a batch of one.
    most
        How many numbers are shown one by one.
    source
        Which array of the run it is.
    """
    array = np.asarray(array)
    if not is_big(array, most):
        recipe = source and {"kind": "matrix", "of": source}
        return Matrix(name, array, role, places, accent, drop, recipe)
    numbers = (array if array.dtype.kind == "f" else array.astype(np.float64)).ravel()
    with np.errstate(over="ignore"):
        exact = (some.astype(np.float64, copy=False) for some in pieces(numbers))
        norm = float(np.sqrt(sum(some @ some for some in exact)))
    not_finite = 0
    if not np.isfinite(norm):  # else none of them is anything but finite
        finite = np.isfinite(numbers)
        not_finite = int(numbers.size - np.count_nonzero(finite))
        numbers = numbers[finite].astype(np.float64, copy=False)
        size = float(np.abs(numbers).max(initial=0.0)) or 1.0
        norm = size * float(np.linalg.norm(numbers / size))
    entries = tuple(
        Entry(index_text(index[drop:]), float(array[index]))
        for index in largest(array, MOST_LARGEST)
    )
    return Summary(
        name=name,
        array=array,
        role=role,
        places=places,
        low=float(numbers.min(initial=np.inf)),
        high=float(numbers.max(initial=-np.inf)),
        mean=float(numbers.mean(dtype=np.float64)) if numbers.size else np.nan,
        norm=norm,
        zeros=int(numbers.size - np.count_nonzero(numbers)),
        not_finite=not_finite,
        largest=entries,
        ask=f"{ask}{entries[0].label}" if ask else "",
        accent=accent,
        recipe=source and {"kind": "summary", "of": source},
    )


def largest(array: Array, count: int) -> list[Index]:
    """Return where a tensor is largest by size: the largest first, ties in order of index.

    What is not finite counts as largest of all: it is what a reader has to see.

    Examples
    --------
    >>> largest(np.array([[1.0, -3.0], [3.0, 2.0]]), 3)
    [(0, 1), (1, 0), (1, 1)]
    """
    most = largest_of(pieces(array), count)
    return [tuple(map(int, np.unravel_index(at, array.shape))) for _, at in most]


def largest_of(numbers: Iterable[Array], count: int) -> list[tuple[float, int]]:
    """Return the sizes of the largest of many numbers, and their places, as `largest`."""
    best: list[tuple[float, int]] = []
    start = 0
    for some in numbers:
        sizes = np.abs(some if some.dtype.kind == "f" else some.astype(float))
        sizes[np.isnan(sizes)] = np.inf
        few = min(count, sizes.size)
        least = np.partition(sizes, sizes.size - few)[sizes.size - few] if few else np.inf
        candidates = np.flatnonzero(sizes >= least)
        first = candidates[np.argsort(-sizes[candidates], kind="stable")[:few]]
        best += zip((-sizes[first]).tolist(), (start + first).tolist(), strict=True)
        start += some.size
    return [(-size, at) for size, at in sorted(best)[:count]]
