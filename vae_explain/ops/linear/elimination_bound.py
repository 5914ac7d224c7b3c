"""How far from exact a matrix computation by elimination may be, number by number.

LAPACK solves with a matrix, and inverts it, by its two triangles, and a reader of a small one by
cofactors: the triangles lose more. What they come to is exact of a matrix that is off by at most
3·n roundings of the product of the triangles without signs (Higham, "Accuracy and Stability of
Numerical Algorithms", theorem 9.4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple
from ...symbolic.expression import Rest
from ...trace import Array


def eliminated(matrix: Array) -> tuple[Array, Array, Array]:
    """Bring a matrix to a triangle, each time by the row with the largest number.

    Returns
    -------
    tuple
        Which row stands where, the lower triangle of factors, and the upper one that is left.
    """
    size = len(matrix)
    order, upper, lower = np.arange(size), matrix.copy(), np.eye(size)
    for k in range(size):
        pivot = k + int(np.argmax(np.abs(upper[k:, k])))
        for array in (order, upper):
            array[[k, pivot]] = array[[pivot, k]]
        lower[[k, pivot], :k] = lower[[pivot, k], :k]
        lower[k + 1 :, k] = upper[k + 1 :, k] / upper[k, k]
        upper[k + 1 :] -= np.outer(lower[k + 1 :, k], upper[k])
        upper[k + 1 :, k] = 0
    return order, lower, upper


class ByElimination(NamedTuple):
    """A number that is computed by elimination, as the terms of a `Rest`.

    Attributes
    ----------
    value
        The number itself.
    size
        How much it moves with the matrix, which moves by as much as its triangles are large.
    growth
        How much the whole inverse does.
    rows
        How many rows the matrix has.
    """

    value: float
    size: float
    growth: float
    rows: int

    @property
    def magnitude(self) -> float:
        return abs(self.value)

    def enclosure(self, precision: Any, own: str) -> tuple[float, float]:
        roundings = 3 * self.rows * precision.unit
        left = 1 - roundings * self.growth
        off = roundings * self.size / left + precision.smallest if left > 0 else math.inf
        return self.value - off, self.value + off


def of_inverse(name: str, matrix: Array, inverse: Array, row: int, column: int) -> Rest:
    """Return an element of an inverse, or of what is solved with it, as elimination makes it."""
    moved, growth = _moved(matrix, inverse)
    size = float(moved[row] @ np.abs(inverse[:, column]))
    value = float(inverse[row, column])
    return Rest(name, value=value, terms=ByElimination(value, size, growth, len(matrix)))


def of_determinant(name: str, matrix: Array, inverse: Array) -> Rest:
    moved, growth = _moved(matrix, inverse)
    value = float(np.linalg.det(matrix))
    size = abs(value) * float(np.trace(moved))
    return Rest(name, value=value, terms=ByElimination(value, size, growth, len(matrix)))


def _moved(matrix: Array, inverse: Array) -> tuple[Array, float]:
    """Return |A⁻¹|·|L|·|U|, and its norm; PyTorch may take the triangles of the transpose."""
    sizes = np.maximum(_triangles(matrix), _triangles(matrix.T).T)
    moved = np.asarray(np.abs(inverse) @ sizes)
    return moved, float(moved.sum(axis=1).max())


def _triangles(matrix: Array) -> Array:
    order, lower, upper = eliminated(matrix)
    sizes = np.empty_like(matrix)
    sizes[order] = np.abs(lower) @ np.abs(upper)
    return sizes
