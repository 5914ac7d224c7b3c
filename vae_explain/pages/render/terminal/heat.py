"""A tensor drawn small: a grid of cells, each standing for a patch of its numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array

# A patch has a sign when its numbers add up to at least this share of their sizes.
ONE_SIDED = 0.5


class Heat(NamedTuple):
    """A tensor as cells.

    Attributes
    ----------
    sizes
        The mean absolute value of each cell's numbers; those that are not finite are left
        out of it, and a cell of nothing else is infinite.
    signs
        1 or -1 where most of a cell is on one side of zero, else 0.
    patch
        How many rows and columns of the tensor the largest cell stands for.
    """

    sizes: Array
    signs: Array
    patch: tuple[int, int]

    @property
    def largest(self) -> float:
        """The largest size that is a number; 1 where there is none but zero."""
        return float(self.sizes[np.isfinite(self.sizes)].max(initial=0.0)) or 1.0

    def shades(self, count: int) -> Array:
        """Return each cell's shade: 0 for zeros alone, else by its part of the largest."""
        finite = np.isfinite(self.sizes)
        shades: Array = np.ceil(np.where(finite, self.sizes / self.largest, 1.0) * count)
        return shades.astype(int)


def flattened(array: Array) -> Array:
    """Return a tensor as a picture of two axes.

    Leading axes of length one are left out, a vector is one row, and of more than two axes
    all but the first are put beside each other; of a single image each row is a row.
    """
    squeezed = array
    while squeezed.ndim > 1 and squeezed.shape[0] == 1:
        squeezed = squeezed[0]
    if squeezed.ndim < 2:
        return squeezed.reshape(1, -1)
    return squeezed.reshape(squeezed.shape[0], -1)


def heat(array: Array, rows: int, columns: int) -> Heat:
    """Draw a tensor on at most so many rows and columns of cells."""
    picture = flattened(np.asarray(array))
    if picture.dtype.kind != "f":
        picture = picture.astype(np.float64)
    finite = np.isfinite(picture)
    down, across = (_edges(n, most) for n, most in zip(picture.shape, (rows, columns), strict=True))
    if finite.all():
        sums, sizes = _summed(picture, down, across), _summed(picture, down, across, np.abs)
        counts = np.diff([*down, picture.shape[0]])[:, None] * np.diff([*across, picture.shape[1]])
    else:
        picture = np.where(finite, picture, 0.0)
        sums, sizes = _summed(picture, down, across), _summed(picture, down, across, np.abs)
        counts = _summed(finite.astype(np.float64), down, across)
    means = np.divide(sizes, counts, out=np.full(sizes.shape, np.inf), where=counts > 0)
    signs = np.where(np.abs(sums) >= ONE_SIDED * sizes, np.sign(sums), 0.0)
    return Heat(means, signs.astype(int), (_widest(down, picture, 0), _widest(across, picture, 1)))


def _edges(count: int, most: int) -> list[int]:
    """Return where each of at most `most` nearly equal parts of `count` begins."""
    parts = min(count, most)
    return [i * count // parts for i in range(parts)]


def _summed(
    picture: Array, down: list[int], across: list[int], of: Callable[[Array], Array] = np.asarray
) -> Array:
    """Return the sum over each cell of what a function makes of the numbers, cells by the row."""
    rows = zip(down, [*down[1:], len(picture)], strict=True)
    parts = (np.add.reduceat(of(picture[a:b]), across, axis=1, dtype=np.float64) for a, b in rows)
    return np.concatenate([np.add.reduceat(part, [0], axis=0) for part in parts])


def _widest(edges: list[int], picture: Array, axis: int) -> int:
    return int(np.diff([*edges, picture.shape[axis]]).max())
