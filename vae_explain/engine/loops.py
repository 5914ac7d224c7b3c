"""Loops in formulas that are plain data, made where terms are alike.

A leaf is `["r", array, place, step, …]`, with how far each loop around it moves it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..ops.at_once import NotAtOnce
from ..quick_classes import NamedTuple
from ..symbolic.expression import Index

Data = Any  # a formula as plain data
FEWEST = 3  # terms that are worth a loop


class Many(NamedTuple):
    """Which elements the arrays in a formula stand for: those of a whole value, in order."""

    shape: tuple[int, ...]
    summands: tuple[int, ...] = ()  # the axes that arrays have in front
    at: Index = ()  # the one of these that is written

    def loop(self, index: Index, shape: Sequence[int]) -> list[int]:
        """Return the place of the first in an array of a shape, and how far each axis moves it.

        Raises
        ------
        NotAtOnce
            If the places do not keep the same distance.
        """
        size = math.prod(self.shape)
        if not (size and shape):
            return [0] * (1 + len(self.shape))
        picked = [np.broadcast_to(axis, (*self.summands, size))[self.at] for axis in index]
        own = np.ravel_multi_index(picked, shape).reshape(self.shape)
        first = int(own.flat[0])
        steps = [
            int(own[tuple(np.eye(len(self.shape), dtype=int)[axis])]) - first if length > 1 else 0
            for axis, length in enumerate(self.shape)
        ]
        if (own != first + np.tensordot(steps, np.indices(self.shape), 1)).any():
            raise NotAtOnce
        return [first, *steps]


def over(rest: Sequence[int], index: Index, element: Callable[[Index], Data]) -> Data:
    """Write the elements of a value one by one, as one formula where they are alike."""
    if not rest:
        return element(index)
    turns = [over(rest[1:], (*index, i), element) for i in range(rest[0])]
    if not turns:
        return 0.0
    together = _unified(turns)
    return ["e", len(index), *turns] if together is None else together


def summed(terms: list[Data], depth: int = 0) -> Data:
    """Write a sum, those of its terms in a row that are alike as a loop.

    Parameters
    ----------
    depth
        How many loops there are already around the terms.
    """
    parts: list[Data] = []
    while terms:
        count = _alike(terms)
        together = _unified(terms[:count], depth) if count >= FEWEST else None
        if together is None:
            parts.append(terms[0])
            terms = terms[1:]
        else:
            parts.append(["M", count, together])
            terms = terms[count:]
    return ["+", *parts]


def _alike(terms: Sequence[Data]) -> int:
    """Return how many terms from the first on are alike."""
    count = 2
    while count <= len(terms) and _unified(terms[count - 2 : count]) is not None:
        count += 1
    return count - 1


def _unified(turns: Sequence[Data], depth: int = 0) -> Data | None:
    """Return one formula for all turns, whose leaves have one step more; None if they differ.

    Parameters
    ----------
    depth
        How many loops stay around that of the turns.
    """
    first = turns[0]
    if not isinstance(first, list):
        return (
            first if all(turn == first and _sign(turn) == _sign(first) for turn in turns) else None
        )
    alike = all(
        isinstance(turn, list) and turn[0] == first[0] and len(turn) == len(first) for turn in turns
    )
    if not alike:
        return None
    if first[0] == "r":
        return _unified_leaves(turns, depth)
    parts: list[Data] = [first[0]]
    for each in zip(*(turn[1:] for turn in turns), strict=True):
        if isinstance(each[0], str) or (first[0] in "Me" and len(parts) == 1):
            if any(other != each[0] for other in each):
                return None
            parts.append(each[0])
            continue
        together = _unified(each, depth)
        if together is None:
            return None
        parts.append(together)
    return parts


def _unified_leaves(turns: Sequence[Data], depth: int) -> Data | None:
    _, array, place, *steps = turns[0]
    step = turns[1][2] - place if len(turns) > 1 else 0
    for count, (_, other, at, *own) in enumerate(turns):
        if other != array or own != steps or at != place + count * step:
            return None
    return ["r", array, place, *steps[:depth], step, *steps[depth:]]


def _sign(number: Data) -> float:
    return math.copysign(1.0, number) if isinstance(number, float) else 0.0
