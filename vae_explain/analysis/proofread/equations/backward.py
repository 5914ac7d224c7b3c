"""The derivatives that a document prints, held against what its own formulas send back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .chains import Side
from .evaluation import Leaf, Unknown, as_printed, evaluate, half
from .gradients import gradient
from .intervals import Range
from .judging import Mistake
from .scope import Scope
from .syntax import Literal, Tree, derivative, is_bare, literals

TELLING = 3  # digits by which a formula is told from others
MOST_GRADIENTS = 300  # that are computed in one document
FEWEST_GRADIENTS = 2  # that are right, before others are blamed
TOLERATED = 3.0  # half units more in the last place: rounded on the way
DEEPEST = 40  # formulas in formulas


class Derivative(NamedTuple):
    """A derivative as it is printed, and what is wrong in it."""

    name: Tree
    side: Side
    mistakes: list[Mistake]


class Backward:
    """Computes the derivatives of a document's own network."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: list[Derivative] = []
        self.deep = 0  # formulas in formulas, while one is looked through

    def hold(self, name: Tree, side: Side) -> None:
        """Compute a derivative, and hold what is printed against it."""
        names = derivative(name)
        if names is None or side.tree is None or not is_bare(side.tree):
            return
        if len(self.found) == MOST_GRADIENTS:
            return
        printed = literals(side.tree)
        try:
            slopes = [
                gradient(*names, self.scope, leaf, self.lookup)
                for leaf in (as_printed, _end("low"), _end("high"))
            ]
        except Unknown:
            return
        if any(slope.value.size != len(printed) for slope in slopes):
            return
        mistakes = []
        arrays = (slope.value.ravel() for slope in slopes)
        for values, number in zip(zip(*arrays, strict=True), printed, strict=True):
            spread = max(values) - min(values) + max(slope.off for slope in slopes)
            off = abs(values[0] - number.value)
            if not off <= number.unit / 2 * (1 + TOLERATED) + spread:
                mistakes.append(Mistake.of(number, float(values[0])))
        self.found.append(Derivative(name, side, mistakes))

    def lookup(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Look a quantity up, or compute it from the formula that the document has for it."""
        found = self.scope.lookup(tree, leaf)
        said = self.scope.formula(tree) if found is None and self.deep < DEEPEST else None
        if said is None or said[1] is not None:
            return found
        self.deep += 1
        try:
            return evaluate(said[0], leaf, self.lookup)
        except Unknown:
            return None
        finally:
            self.deep -= 1

    def settled(self) -> Iterator[Derivative]:
        """Yield the derivatives, where most of them bear out that the network is understood."""
        right = sum(not found.mistakes for found in self.found)
        if right >= FEWEST_GRADIENTS and 2 * right >= len(self.found):
            yield from self.found


def _end(which: str) -> Leaf:
    """Return a reading of numbers: one end of what is printed so, and what is exact as it is."""

    def leaf(number: Literal) -> Range:
        found = as_printed(number) if number.whole or number.significant < TELLING else half(number)
        end = found.low if which == "low" else found.high
        return Range(end, end)

    return leaf
