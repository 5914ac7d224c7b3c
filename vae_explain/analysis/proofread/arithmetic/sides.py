"""Two sides of an equation, and what is wrong where they do not agree."""

from __future__ import annotations

import math

from ....quick_classes import NamedTuple
from ..grammar.syntax import Literal, Tree
from .evaluation import (
    CannotEvaluate,
    Leaf,
    Lookup,
    as_printed,
    as_rounded,
    evaluate,
    half,
    nothing,
)
from .intervals import Range, all_meet
from .known import as_text

MANY = 6  # signs of a number that no other quantity has by chance
TELLING = 4  # digits of a number that is another one's by one small thing, and by no chance
SLIP = 2  # units in the last place that operands of which nothing is known may explain


class EquationMistake(NamedTuple):
    """What is wrong in an equation.

    Attributes
    ----------
    printed
        What is printed, of a list the one number that is wrong.
    expected
        What it should be.
    off
        How far it is off, in units of its last place.
    number
        The number that is wrong, where it is one.
    value
        What it should be, where it is one.
    made_of
        What it should have come from.
    """

    printed: str
    expected: str
    off: float
    number: Literal | None = None
    value: float = math.nan
    made_of: Tree | None = None

    @classmethod
    def of(cls, number: Literal, value: float, made_of: Tree | None = None) -> EquationMistake:
        """Return what is wrong where a number should be another."""
        off = abs(value - number.value) / number.unit
        return cls(number.text, as_text(value, number), off, number, value, made_of)

    def is_for(self, number: Literal) -> bool:
        """Whether a number should have been printed, of whichever sign."""
        return math.isclose(abs(self.value), abs(number.value), rel_tol=1e-9)


class ComparedSides(NamedTuple):
    """Two sides that are held against each other, and what their names are.

    Attributes
    ----------
    place
        Which element of the left side the right one is said to be; None for all of it.
    natural
        Whether its logarithms are written `ln`, and have no other base.
    unread
        Whether numbers that could not be read stand before it, so that its own may be rounded.
    """

    left: Tree
    right: Tree
    lookup: Lookup = nothing
    place: int | None = None
    natural: bool = False
    unread: bool = False

    def found(self, leaf: Leaf) -> Range:
        """Return what the left side may be."""
        bounds = evaluate(self.left, leaf, self.lookup)
        if self.place is None:
            return bounds
        listed = bounds.low.ndim == 1 or (bounds.low.ndim == 2 and 1 in bounds.shape)
        if not listed or not 0 <= self.place < bounds.low.size:
            raise CannotEvaluate("it has no such element")
        return bounds.flat()[self.place]

    def gives_list(self) -> bool:
        """Whether the left side is no single number."""
        try:
            return bool(self.found(as_printed).shape)
        except CannotEvaluate:
            return False

    def agree(self, leaf: Leaf = as_rounded) -> bool:
        """Whether the left side may give the right one, which is rounded to its last digit."""
        try:
            return all_meet(self.found(leaf), evaluate(self.right, half))
        except (CannotEvaluate, ValueError):  # lists of different lengths
            return False

    def part(self, part: Tree, leaf: Leaf) -> Range:
        """Return what a part of the left side may be, of a list the element that is meant."""
        return evaluate(part, leaf, self.lookup).element(self.place)


class Results:
    """What formulas come to, each way to take their numbers once for all of a list."""

    def __init__(self, pair: ComparedSides, count: int) -> None:
        self.pair, self._count = pair, count
        self._found: dict[tuple[int, object], list[Range] | None] = {}

    def at(
        self,
        place: int,
        tree: Tree,
        leaf: Leaf,
        key: object = None,
        lookup: Lookup | None = None,
    ) -> Range | None:
        """Return one number of what a formula comes to; None where that has others than these.

        Parameters
        ----------
        key
            What a way to take numbers is known by, where it is made anew each time.
        lookup
            What names are, if not what they are for the pair.
        """
        asked = id(tree), key or leaf
        if asked not in self._found:
            pair = self.pair._replace(left=tree, lookup=lookup or self.pair.lookup)
            try:
                numbers = numbers_of(pair.found(leaf), self._count)
            except CannotEvaluate:
                numbers = None
            self._found[asked] = numbers
        found = self._found[asked]
        return None if found is None else found[place]


def numbers_of(bounds: Range, count: int) -> list[Range]:
    numbers = bounds.flat()
    if len(numbers) != count:
        raise CannotEvaluate(f"{count} numbers where it has {len(numbers)}")
    return numbers
