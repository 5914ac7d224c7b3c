"""A sum over all elements of a tensor, written so that it stays readable at any size.

A short sum has all of its terms. Of a long one the largest are written out, and the others
stand as their own sum: which they are, and what they come to, is found by evaluating the
formula of the terms over arrays, in float64, so that it takes no tree for each. A formula that
computes element by element is evaluated a few rows at a time, and takes little memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Rest,
    nodes,
)
from ...trace import IN_A_PIECE, Array
from ..array_functions import on_arrays
from ..at_once import is_long, largest
from ..broadcasting import indices
from ..rule import Operand

MOST_WRITTEN = 256  # terms
BY_ELEMENT = (Number, Ref, Add, Mul, Neg, Div, Pow, Apply)


def total(terms: Operand) -> Expression:
    """Return the sum of all elements of what an operand or the like stands for."""
    count = prod(terms.shape)
    if count <= MOST_WRITTEN or not is_long(count):
        return Add(tuple(map(terms.at, indices(terms.shape))))
    places: list[Array] = []
    most: list[Array] = []
    others = _Others()
    start = 0
    for values in _evaluated(terms):
        at = largest(values) if is_long(values.size) else np.arange(values.size)
        places.append(start + at)
        most.append(values[at])
        others.add(np.delete(values, at))
        start += values.size
    candidates = np.concatenate(most)
    shown = largest(candidates)
    others.add(np.delete(candidates, shown))
    where = np.unravel_index(np.concatenate(places)[shown], terms.shape)
    written = [terms.at(tuple(map(int, index))) for index in zip(*where, strict=True)]
    return Add((*written, *others.rests()))


def _evaluated(terms: Operand) -> Iterator[Array]:
    """Yield the numbers of all elements in order, by their formula over arrays."""
    shape, formula = terms.shape, terms.whole()
    by_element = all(isinstance(node, BY_ELEMENT) for node in nodes(formula))
    rows = max(1, IN_A_PIECE // prod(shape[1:])) if by_element else shape[0]
    for start in range(0, shape[0], rows):
        these = slice(start, min(start + rows, shape[0]))

        def leaf(value: Any, these: slice = these) -> Array:
            array = np.asarray(value)
            has_rows = by_element and array.ndim == len(shape) and len(array) > 1
            return np.asarray(array[these] if has_rows else array, dtype=np.float64)

        values = np.asarray(on_arrays(formula, leaf), dtype=np.float64)
        yield np.broadcast_to(values, (these.stop - start, *shape[1:])).ravel()


class _Others:
    """The sum of the terms that are not written out.

    It is apart by sign where there are both, so that a line whose parts cancel shows how large
    they are.
    """

    def __init__(self) -> None:
        self._rising = self._falling = self._count = 0
        self._sums: list[tuple[float, float, float]] = []

    def add(self, numbers: Array) -> None:
        """Take some of the terms."""
        rising, falling = numbers[numbers > 0], numbers[numbers < 0]
        self._count += numbers.size
        self._rising += rising.size
        self._falling += falling.size
        with np.errstate(all="ignore"):  # of infinities of both signs
            sums = float(numbers.sum()), float(rising.sum()), float(falling.sum())
        self._sums.append(sums)

    def rests(self) -> list[Rest]:
        """Return the sum of all that were taken."""
        together, rising, falling = map(sum, zip(*self._sums, strict=True))
        if self._rising and self._falling:
            return [
                _rest(rising, self._count - self._falling, "positive terms"),
                _rest(falling, self._falling, "negative terms"),
            ]
        return [_rest(together, self._count, "terms")]


def _rest(value: float, count: int, words: str) -> Rest:
    return Rest(f"({count:,} smaller {words})", value=value, count=count)
