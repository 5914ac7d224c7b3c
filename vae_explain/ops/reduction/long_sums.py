"""A sum over all elements of a tensor, written so that it stays readable at any size.

A short sum has all of its terms. Of a long one the largest are written out, and the others
stand as their own sum: which they are, and what they come to, is found by evaluating the
formula of the terms over whole arrays, in float64, so that it takes no tree for each.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import Add, Expression, Rest
from ...trace import Array
from ..array_functions import on_arrays
from ..at_once import is_long, largest
from ..broadcasting import indices
from ..rule import Operand

MOST_WRITTEN = 256  # terms


def total(terms: Operand) -> Expression:
    """Return the sum of all elements of what an operand or the like stands for."""
    count = prod(terms.shape)
    if count <= MOST_WRITTEN or not is_long(count):
        return Add(tuple(map(terms.at, indices(terms.shape))))
    values = evaluated(terms)
    shown = largest(values.ravel())
    written = [terms.at(tuple(map(int, np.unravel_index(i, values.shape)))) for i in shown]
    others = np.delete(values.ravel(), shown)
    # Apart by sign, so that a line whose parts cancel shows how large they are.
    if np.any(others > 0) and np.any(others < 0):
        rising, falling = others[others > 0], others[others < 0]
        zeros = others.size - rising.size - falling.size
        rest = [
            _rest(rising, rising.size + zeros, "positive terms"),
            _rest(falling, falling.size, "negative terms"),
        ]
    else:
        rest = [_rest(others, others.size, "terms")]
    return Add((*written, *rest))


def evaluated(terms: Operand) -> Array:
    """Return the number of every element, by its formula over whole arrays."""
    values = on_arrays(terms.whole(), _in_float64)
    return np.broadcast_to(np.asarray(values, dtype=np.float64), terms.shape)


def _rest(numbers: Array, count: int, words: str) -> Rest:
    return Rest(f"({count:,} smaller {words})", value=float(numbers.sum()), count=count)


def _in_float64(value: Any) -> Any:
    return np.asarray(value, dtype=np.float64)
