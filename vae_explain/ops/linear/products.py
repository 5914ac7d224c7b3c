"""Sums of products: what `linear`, `matmul`, `bilinear` and `einsum` share.

Each axis of an operand and of the output goes by a letter, as in an `einsum`. A term is the
product of one element of each operand, and letters that the output leaves out are summed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from ...symbolic.build import multiplied, summed
from ...symbolic.expression import Expression, Index
from ..at_once import NotAtOnce, Summands, abridged, grid, in_front, is_long, is_many, shape_of_many
from ..broadcasting import indices
from ..rule import Family, Operand, by_output

SPREAD = "·"  # the letter of an axis of length 1, which is broadcast


class Products:
    """The terms of one call.

    Parameters
    ----------
    operands
        In the order in which a product is written.
    parts
        The letters of each operand's axes.
    right
        The letters of the output's axes.
    """

    def __init__(self, operands: Sequence[Operand], parts: Sequence[str], right: str) -> None:
        self.right = right
        self.factors: list[tuple[Operand, str]] = []
        self.sizes: dict[str, int] = {}
        for part, operand in zip(parts, operands, strict=True):
            sizes = list(zip(part, operand.shape, strict=True))
            for letter, size in sizes:
                self.sizes[letter] = max(size, self.sizes.get(letter, 0))
            own = "".join(SPREAD if size == 1 else letter for letter, size in sizes)
            self.factors.append((operand, own))

    def walk(self, letters: str, index: Index) -> Iterator[dict[str, int]]:
        """Yield each way to number the letters that goes with an index; one dict for all."""
        at = {**dict(zip(letters, index, strict=True)), SPREAD: 0}
        free = [letter for letter in self.sizes if letter not in at]
        for chosen in indices(self.sizes[letter] for letter in free):
            at.update(zip(free, chosen, strict=True))
            yield at

    def element(self, index: Index) -> Expression:
        factors = [(operand.at, _numbering(part)) for operand, part in self.factors]
        if not is_many(index):
            at_once = self.at_once(self.right, index)
            if at_once is not None:
                try:
                    product = multiplied([element(place(at_once)) for element, place in factors])
                    return abridged([Summands(product, shape_of_many(at_once.values()))])
                except NotAtOnce:
                    pass
        return summed(
            multiplied([element(place(at)) for element, place in factors])
            for at in self.walk(self.right, index)
        )

    def at_once(self, letters: str, index: Index) -> dict[str, Any] | None:
        """Return all the ways of `walk` as one, of arrays; None where they are few."""
        free = [letter for letter in self.sizes if letter not in letters]
        if not is_long(prod(self.sizes[letter] for letter in free)):
            return None
        places = grid([np.arange(self.sizes[letter]) for letter in free])
        own = zip(letters, index, strict=True)
        return {**dict(own), SPREAD: 0, **dict(zip(free, places, strict=True))}

    def families(self, position: int, index: Index) -> list[Family]:
        letters, out = self.factors[position][1], _numbering(self.right)
        factors = [(operand.at, _numbering(part)) for operand, part in self.factors]
        others = factors[:position] + factors[position + 1 :]

        def slope(at: dict[str, Any]) -> Expression:
            return multiplied([element(place(at)) for element, place in others])

        if not set(self.sizes) - set(letters) <= set(self.right):
            # What the output leaves out is summed for each of its elements.
            if is_many(index):
                raise NotAtOnce
            ways = by_output((out(at), slope(at)) for at in self.walk(letters, index))
            return [Family.constant(to, local) for to, local in ways]
        free = [letter for letter in self.sizes if letter not in letters]
        places = in_front([np.arange(self.sizes[letter]) for letter in free], index)
        at = {**dict(zip(letters, index, strict=True)), SPREAD: 0}
        at.update(zip(free, places, strict=True))
        return [
            Family(out(at), lambda by: slope(dict(zip(at, by, strict=True))), tuple(at.values()))
        ]


def _numbering(letters: str) -> Callable[[dict[str, int]], Index]:
    """Return how to read the index that letters make; a term of a long sum takes no longer."""
    return (
        itemgetter(*letters)
        if len(letters) > 1
        else lambda at: tuple([at[each] for each in letters])
    )
