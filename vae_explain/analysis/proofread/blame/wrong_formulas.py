"""Whether a formula's text is wrong, as another follows from the numbers that are put in."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np

from ..arithmetic.evaluation import CannotEvaluate, as_printed, evaluate
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import all_meet
from ..arithmetic.known import Known, cut_or_rounded
from ..arithmetic.seen import Seen
from ..arithmetic.sides import MANY, ComparedSides
from ..grammar.syntax import (
    Literal,
    Negative,
    Product,
    Sum,
    Symbol,
    Tree,
    inside,
    is_bare,
    is_numeric,
    literals,
    shown,
)
from ..grammar.variants import activations, further_variants, somewhere, variants
from ..statements.scope import Scope
from ..statements.sides import Side
from .backward import TELLING
from .doubts import Doubts
from .put_in import PutIn, is_written_out
from .terms import wrong_terms

# Formulas that do not give what is printed, of which a wrong sign or factor is looked for. A
# document with more is wrong throughout.
MOST_FORMULAS = 500
MOST_TRIES = 50  # sums of a document of which the unknown term is looked for in its text


class FormulaBlame(Doubts):
    """Blames formulas.

    Attributes
    ----------
    findings
        What is wrong, in the order in which it was found.
    read_by
        How many pairs of sides could be held together, by layer.
    last
        The last side of the equation at hand.
    """

    def __init__(
        self, scope: Scope, known: Known, put_in: dict[str, Literal | None], supposes: bool
    ) -> None:
        super().__init__(scope, known, supposes)
        self.seen = Seen(())
        self.put_in = PutIn(self.seen, scope.lookup, put_in)
        self.findings: list[DocumentFinding] = []
        self.read_by: Counter[str] = Counter()
        self.last: Tree | None = None
        self.tries = MOST_TRIES
        self.formulas_left = MOST_FORMULAS

    def blames_formula(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula's text if one sign or factor in it explains what does not follow."""
        if pair.left in self.scope.unprinted or (literals(pair.left) and is_numeric(pair.left)):
            return False
        self.formulas_left -= 1
        if self.formulas_left < 0:
            return False
        formula = left.tree or pair.left  # of all elements, where one is held against it
        usual = zip(variants(pair.left), variants(formula), strict=True)
        further = zip(further_variants(pair.left), further_variants(formula), strict=True)
        for other, intended in chain(usual, further if _tells(pair.right, TELLING + 1) else ()):
            negated = isinstance(other, Negative) and other.body == pair.left
            if negated and isinstance(pair.right, Literal) and pair.right.value < 0:
                continue  # the number has a minus too many, rather than all of its formula too few
            try:
                if self.judge.mistakes(pair._replace(left=other), []):
                    continue
                if wrong_terms(other, pair.right, pair.lookup, self.known, pair.place):
                    continue
            except CannotEvaluate:
                continue
            if not (_tells(pair.right) or self.ends_in(pair._replace(left=other))):
                return False
            if self._ends_nearer(pair, other):
                return False
            self.read_by["B"] += 1
            self.blame_text(formula, intended, left)
            return True
        return False

    def is_of_other_activation(self, pair: ComparedSides, left: Side) -> bool:
        """Blame an activation for what another one gives."""
        for other in somewhere(pair.left, activations) if _tells(pair.right) else ():
            if not self.judge.mistakes(pair._replace(left=other), []):
                self.blame_text(pair.left, other, left)
                return True
        return False

    def misfits_what_is_put_in(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula that does not fit the numbers put in for what is not stated."""
        written = is_written_out(pair.right) and is_numeric(pair.right)
        if pair.left in self.scope.unprinted:
            return False
        if not written or is_numeric(pair.left) or left.tree != pair.left or pair.place is not None:
            return False
        if isinstance(self.last, Literal) and self.last is not pair.right:
            try:
                if not all_meet(evaluate(pair.right), cut_or_rounded(self.last)):
                    return False  # what is put in is wrong, or the result
            except CannotEvaluate:
                return False
        edit = next(iter(self.put_in.misfits(pair.left, pair.right)), None)
        if edit is not None:
            self.blame_text(pair.left, edit, left)
        return edit is not None

    def misfits_what_is_seen(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a sign of a sum whose one unknown term comes to a number of the text without it."""
        formula, result = pair.left, pair.right
        if not isinstance(formula, Sum) or not isinstance(result, Literal) or not self.tries:
            return False
        if result.significant < MANY:
            return False
        self.tries -= 1
        known = [self._value_of(term, pair) for term in formula.terms]
        if known.count(None) != 1 or not isinstance(formula.terms[known.index(None)], Symbol):
            return False
        values = [value or 0.0 for value in known]
        for flipped in (None, *(i for i, value in enumerate(known) if value is not None)):
            rest = sum(-v if i == flipped else v for i, v in enumerate(values))
            if not self.seen.has_near(result.value - rest, result.unit * len(values)):
                continue
            if flipped is None:
                return False
            term = formula.terms[flipped]
            other = term.body if isinstance(term, Negative) else Negative(term)
            terms = (*formula.terms[:flipped], other, *formula.terms[flipped + 1 :])
            self.blame_text(formula, Sum(terms), left)
            return True
        return False

    def _value_of(self, term: Tree, pair: ComparedSides) -> float | None:
        try:
            bounds = evaluate(term, as_printed, pair.lookup)
        except CannotEvaluate:
            return None
        return None if bounds.shape else float(bounds.middle)

    def blame_text(self, formula: Tree, intended: Tree, left: Side) -> None:
        """Blame a formula's text, from whose numbers another one follows."""
        printed, expected = shown(formula), shown(intended)
        reason = f"its numbers follow from {expected}, but {printed} is printed"
        line = self.scope.line_of(formula) or left.line
        self.findings.append(DocumentFinding(line, printed, expected, reason, "B"))

    def ends_in(self, pair: ComparedSides) -> bool:
        """Whether the equation at hand ends in a telling number that a formula gives."""
        if self.last is None or not (is_bare(self.last) and _tells(self.last)):
            return False
        try:
            return not self.judge.mistakes(pair._replace(right=self.last), [])
        except CannotEvaluate:  # as many numbers as the formula does not give
            return False

    def _ends_nearer(self, pair: ComparedSides, other: Tree) -> bool:
        """Whether what the equation at hand ends in is rather a formula's than another's."""
        if not isinstance(self.last, Literal) or self.last is pair.right:
            return False
        ours, theirs = (p.found(as_printed).middle for p in (pair, pair._replace(left=other)))
        off = [np.abs(value - self.last.value).max() for value in (ours, theirs)]
        return bool(off[0] < off[1])


def takes_bias_off(formula: Tree) -> bool:
    """Whether a formula subtracts a bias, as no layer does: the formula is wrong, not a number."""
    bodies = (part.body for part in inside(formula) if isinstance(part, Negative))
    factors = (body.factors if isinstance(body, Product) else (body,) for body in bodies)
    names = ([factor for factor in f if not isinstance(factor, Literal)] for f in factors)
    return any(len(f) == 1 and isinstance(f[0], Symbol) and f[0].base[:1] == "b" for f in names)


def _tells(right: Tree, least: int = TELLING) -> bool:
    """Whether a value has so many digits that no other formula gives them by chance."""
    digits = [number.significant for number in literals(right)]
    return (sum(digits) if is_bare(right) else max(digits, default=0)) >= least
