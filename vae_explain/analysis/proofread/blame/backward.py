"""The derivatives that a document prints, held against what its own formulas send back."""

from __future__ import annotations

from ....quick_classes import NamedTuple
from ..arithmetic.evaluation import CannotEvaluate, Leaf, as_printed, evaluate, half
from ..arithmetic.intervals import Range
from ..arithmetic.sides import EquationMistake
from ..grammar.syntax import Literal, Tree, derivative, is_bare, key_of, literals
from ..statements.gradients import gradient
from ..statements.scope import Scope
from ..statements.sides import Side
from .operands import is_damaged

TELLING = 3  # digits by which a formula is told from others
MOST_GRADIENTS = 300  # that are computed in one document
FEWEST_GRADIENTS = 2  # that are right, before others are blamed
TOLERATED = 3.0  # half units more in the last place: rounded on the way
MOST_FORMULAS = 5_000  # looked through in one document, each as often as it is used


class Derivative(NamedTuple):
    """A derivative as it is printed, and what is wrong in it."""

    name: Tree
    side: Side
    mistakes: list[EquationMistake]


class Backward:
    """Computes the derivatives of a document's own network."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.found: list[Derivative] = []
        self.open: set[str] = set()  # quantities whose formulas are being looked through
        self.looked_through = 0  # formulas

    def hold(self, name: Tree, side: Side) -> None:
        """Compute a derivative, and hold what is printed against it."""
        names = derivative(name)
        if names is None or side.tree is None or not is_bare(side.tree):
            return
        if len(self.found) == MOST_GRADIENTS:
            return
        printed = literals(side.tree)
        try:
            slope = gradient(*names, self.scope, as_printed, self.lookup)
            if slope.value.size != len(printed):
                return
            pairs = list(zip(slope.value.ravel(), printed, strict=True))
            off = [abs(value - number.value) - slope.off for value, number in pairs]
            spread = [0.0] * len(pairs)
            if any(by > _allowed(n) for by, n in zip(off, printed, strict=True)):
                ends = [gradient(*names, self.scope, _end(e), self.lookup) for e in ("low", "high")]
                arrays = [slope.value.ravel(), *(end.value.ravel() for end in ends)]
                spread = [max(element) - min(element) for element in zip(*arrays, strict=True)]
        except CannotEvaluate:
            return
        wrong = [
            (number, float(value))
            for (value, number), by, rounded in zip(pairs, off, spread, strict=True)
            if not by <= _allowed(number) + rounded
        ]
        if isinstance(side.tree, Literal) and any(
            n.whole and not is_damaged(n, v) for n, v in wrong
        ):
            return  # of another function that has the same letters
        mistakes = [EquationMistake.of(number, value) for number, value in wrong]
        self.found.append(Derivative(name, side, mistakes))

    def lookup(self, tree: Tree, leaf: Leaf) -> Range | None:
        """Look a quantity up, or compute it from the formula that the document has for it."""
        bounds = self.scope.lookup(tree, leaf)
        said = self.scope.formula(tree) if bounds is None else None
        key = key_of(tree)
        if said is None or said[1] is not None or key is None or key in self.open:
            return bounds
        self.looked_through += 1
        if self.looked_through > MOST_FORMULAS:
            raise CannotEvaluate("its formulas are made of too many others")
        self.open.add(key)
        try:
            return evaluate(said[0], leaf, self.lookup)
        except CannotEvaluate:
            return None
        finally:
            self.open.discard(key)

    @property
    def is_understood(self) -> bool:
        """Whether most of the derivatives bear out that the network is the document's."""
        right = sum(not checked.mistakes for checked in self.found)
        return right >= FEWEST_GRADIENTS and 2 * right >= len(self.found)


def _allowed(number: Literal) -> float:
    return number.unit / 2 * (1 + TOLERATED)


def _end(which: str) -> Leaf:
    """Return a reading of numbers: one end of what is printed so, and what is exact as it is."""

    def leaf(number: Literal) -> Range:
        bounds = (
            as_printed(number) if number.whole or number.significant < TELLING else half(number)
        )
        end = bounds.low if which == "low" else bounds.high
        return Range(end, end)

    return leaf
