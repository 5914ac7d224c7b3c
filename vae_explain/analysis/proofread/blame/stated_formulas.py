"""Values held against formulas: those that the document states, and the usual ones."""

from __future__ import annotations

from dataclasses import replace

from ..arithmetic.alike import align, element_of
from ..arithmetic.comparison import is_updated
from ..arithmetic.damages import damages
from ..arithmetic.evaluation import CannotEvaluate, as_printed, as_rounded, evaluate, half
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import Range, all_meet
from ..arithmetic.known import Known
from ..arithmetic.results import gives
from ..arithmetic.sides import ComparedSides, EquationMistake
from ..grammar.quantities import with_index, without_index
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Row,
    Symbol,
    Tree,
    inside,
    is_arithmetic,
    is_bare,
    is_numeric,
    key_of,
    literals,
    mapped,
    shown,
)
from ..statements.chains import Chain
from ..statements.scope import FAMILY, Scope
from ..statements.sides import Side
from ..statements.usual import letters, usual_formula, with_bias, with_difference
from ..statements.usual import meant as usual_meant
from .blame import Blame
from .operands import are_exchanged, are_squares
from .terms import wrong_terms

NEAR = 0.1  # of a number, by which it may be miscalculated


class StatedFormulas:
    """The formulas of one document, and what is said of their values.

    Attributes
    ----------
    multiples
        The quantities of which twice or half as much is stated.
    of_deviation
        Whether twice log σ² is a term, as where σ and z are made from the logarithm of σ.
    """

    def __init__(self, scope: Scope, known: Known, blame: Blame) -> None:
        self.scope, self.known, self.blame = scope, known, blame
        self.multiples: set[str] = set()
        self.of_deviation = False

    def is_of_another(self, left: Tree, right: Tree, stated: bool, named: bool = False) -> bool:
        """Whether what is stated of quantities, as `√a = 0.6`, is of another example's.

        It is no damage of what it would be here, and the document goes on with it.

        Parameters
        ----------
        stated
            Whether nothing else stands beside it.
        named
            Whether it is what several names are said to be: `a = b = 0.6`.
        """
        if is_numeric(left) or not isinstance(right, Literal):
            return False
        again = stated and self.blame.seen.counts[right.value] > 1
        if not (right.whole or again or named):
            return False
        try:
            bounds = evaluate(left, as_printed, self.scope.lookup)
        except CannotEvaluate:
            return False
        return not bounds.shape and not is_near(bounds, right)

    def hold(self, chain: Chain, name: Tree, side: Side, slip: float = 0.0) -> None:
        """Hold a value against the formula that the document has for it.

        Parameters
        ----------
        slip
            Units in the last place by which it may be off, as it was made of rounded parts.
        """
        stated = self.scope.formula(name)
        if side.tree is None or not is_numeric(side.tree):
            return
        if stated is None:
            self._hold_usual(name, side, side.tree, _is_made(chain, side.tree))
            return
        if chain.given and len(chain.sides) == 2:
            return
        formula, place = stated
        if formula in self.scope.unprinted and _has_function(chain):
            return  # of another kind, as the largest moment so far
        setting = len(chain.sides) == 2 and isinstance(side.tree, Literal)
        usual = usual_formula(key_of(name) or "")
        is_usual = usual is not None and letters(usual) == letters(formula)
        if (
            setting
            and not is_usual
            and place is None
            and self.is_of_another(formula, side.tree, stated=True)
        ):
            self.scope.forget(formula)
            return
        left = Side(formula, f"the formula of {key_of(name)}", side.line)
        pair = ComparedSides(formula, side.tree, self.scope.lookup, place)
        if len(chain.sides) == 2 and _is_chosen(side.tree) and not pair.agree(as_printed):
            self.scope.forget(formula)  # a matrix of another example
            return
        if place is not None:
            try:
                pair.found(as_printed)
            except CannotEvaluate:  # of what is stated one by one, by the names of the elements
                pair = ComparedSides(element_of(formula, place), side.tree, self.scope.lookup)
                if pair.gives_list():  # what is called `x_1` is a quantity of its own
                    return
        if self._is_made_otherwise(chain, pair):
            if not slip:  # else its first side was held, and given up
                self.blame.give_up(pair)
        else:
            self.blame.hold(pair, left, side, "B", [], slip)

    def _is_made_otherwise(self, chain: Chain, pair: ComparedSides) -> bool:
        """Whether an equation's own arithmetic gives its result, which is far from a formula's.

        Then it is by another formula of a quantity that only has the same name: the optimizer
        before, another initialisation. What is written in numbers as the formula is built is it.
        """
        *made, last = (side.tree for side in chain.sides)
        if last is None or not _is_made(chain, last):
            return False
        written = [tree for tree in made if tree is not None and is_arithmetic(tree)]
        pairs = align(pair.left, written[0]) or ()
        if any(is_updated(part, half(number), pair.lookup) for part, number in pairs):
            return True
        if self._puts_in(pair.left, written[0]):
            return False
        try:
            bounds = pair.found(as_printed)
        except CannotEvaluate:
            return False
        numbers = literals(last)
        far = bounds.low.size != len(numbers) or not any(map(_is_about, bounds.flat(), numbers))
        terms = wrong_terms(pair.left, written[0], pair.lookup, self.known, pair.place)
        return far and terms is None

    def _puts_in(self, formula: Tree, written: Tree) -> bool:
        """Whether arithmetic is built as a formula, a quantity's value in its place."""
        for part, number in align(formula, written) or ():
            known = None if isinstance(part, Literal) else self.scope.lookup(part, as_rounded)
            if known is not None and not known.shape and all_meet(known, as_rounded(number)):
                return True
        return False

    def _hold_usual(self, name: Tree, side: Side, written: Tree, made: bool) -> None:
        """Hold a divergence that is written out against its usual form, term by term."""
        key = key_of(name) or ""
        usual = usual_formula(key) or _usual_of(name)
        if usual is None:
            return
        if is_bare(written):
            self._hold_relative(name, ComparedSides(usual, written, self.scope.lookup), side, made)
        if is_bare(written) or not key.upper().endswith("KL"):
            return
        mistakes = wrong_terms(usual, written, self.scope.lookup, self.known)
        if mistakes is None:
            self.blame.unjudged += 1
            return
        self.blame.read_by["B"] += 1
        if mistakes:
            self.blame.doubt(ComparedSides(usual, written, self.scope.lookup), mistakes)
            self.blame.numbers(
                mistakes, Side(None, "KL = ½·Σ(σ² + μ² − 1 − log σ²)", side.line), side, "B"
            )

    def _hold_relative(self, name: Tree, pair: ComparedSides, side: Side, made: bool) -> None:
        """Hold a deviation or variance against the variance or its logarithm beside it.

        If no number of it goes with them, they are another example's.

        Parameters
        ----------
        made
            Whether its own arithmetic gives it, so that what stands beside it may be wrong.
        """
        known, exact = (self.scope.relative(name, leaf) for leaf in (half, as_printed))
        numbers = literals(pair.right)
        if known is None or exact is None or known.low.size != len(numbers):
            return
        triples = zip(numbers, known.flat(), exact.middle.ravel(), strict=True)
        wrong = [(n, float(v)) for n, k, v in triples if not all_meet(half(n), k)]
        mistakes = [EquationMistake.of(number, value) for number, value in wrong]
        if not wrong:
            self.blame.judged.add(side.line)
            for number, value in zip(numbers, exact.flat(), strict=True):
                self.known.computed(number, value)
        all_wrong = len(wrong) == len(numbers)
        squared = key_of(name) == "σ" and are_squares(mistakes)
        if all_wrong and not (squared or are_exchanged(mistakes)):
            self.blame.damaged(pair)
            return
        if not wrong:
            return
        if made and are_exchanged(mistakes):
            self.blame.give_up(pair)
            return
        self.blame.judge.uses = []
        self.blame.right = known
        self.blame.doubt(pair, mistakes)
        self.blame.numbers(mistakes, Side(None, shown(pair.left), side.line), side, "B")

    def errors(self, chain: Chain) -> Chain:
        """Blame the squared errors of an equation that are of sums, and return what is meant."""
        sides = list(chain.sides)
        for i, side in enumerate(sides):
            other = None if side.tree is None else with_difference(side.tree)
            if side.tree is not None and other is not None:
                sides[i] = side._replace(tree=other)
                if not any(before.tree == other for before in sides[:i]):
                    self._blame_definition("an error", side.tree, other, side.line)
        return replace(chain, sides=tuple(sides))

    def _blame_definition(self, what: str, formula: Tree, meant: Tree, line: int) -> None:
        self.blame.read_by["B"] += 1
        printed, expected = shown(formula), shown(meant)
        reason = f"{what} is {expected} by its definition, but {printed} is printed"
        self.blame.findings.append(DocumentFinding(line, printed, expected, reason, "B"))

    def meant(self, name: Tree, formula: Tree, line: int) -> Tree:
        """Blame a formula that is not what its quantity is everywhere, and return what is meant."""
        key = key_of(name) or ""
        other = usual_meant(key, formula) or with_bias(formula)
        factor = other is not None and len(literals(other)) > len(literals(formula))
        if other is None or (factor and key.upper().endswith("KL") and key in self.multiples):
            return formula
        if self.of_deviation and key in ("σ", "z"):
            return formula
        self._blame_definition(key, formula, other, line)
        self.blame.explain_equation()
        return other


def _is_made(chain: Chain, result: Tree) -> bool:
    """Whether arithmetic of an equation gives its result."""
    made = (side.tree for side in chain.sides if side.tree is not None)
    return is_bare(result) and any(
        gives(tree, literals(result)) for tree in made if is_arithmetic(tree)
    )


def _usual_of(name: Tree) -> Tree | None:
    """Return what a deviation or variance with an index is made of: `σ_φ = exp(½·log σ_φ²)`."""
    base, index = without_index(name)
    key = key_of(base) if base is not None else None
    usual = usual_formula(key) if key in FAMILY and index else None

    def change(part: Tree) -> Tree:
        return with_index(part, index) if isinstance(part, Symbol) else part

    return None if usual is None else mapped(usual, change)


def _is_chosen(tree: Tree) -> bool:
    """Whether a list has whole numbers alone, as an author chooses for an example."""
    return isinstance(tree, Row) and all(number.whole for number in literals(tree))


def _has_function(chain: Chain) -> bool:
    trees = (side.tree for side in chain.sides if side.tree is not None)
    return any(isinstance(part, FunctionCall) for tree in trees for part in inside(tree))


def is_near(bounds: Range, number: Literal) -> bool:
    """Whether a result is about a number, or what that may have been before it was damaged."""
    return any(_is_about(bounds, one) for one in (number, *damages(number)))


def _is_about(bounds: Range, number: Literal) -> bool:
    return abs(float(bounds.middle) - number.value) <= NEAR * abs(number.value)
