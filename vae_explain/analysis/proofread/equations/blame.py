"""What is to blame where two sides of an equation do not agree.

A result may be wrong, or an operand that was put into it, a formula's text, or a value that is
stated elsewhere. The first three are told here from the equation at hand; for the last, the
values that went into it are doubted, for `hypotheses.py` to try others for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import chain

import numpy as np

from ....trace import Array
from .alike import count, readings
from .backward import TELLING
from .chains import Side
from .columns import ColumnClaim
from .cursor import Unreadable, literal
from .demands import Demand, demands
from .evaluation import CannotEvaluate, as_printed, evaluate, half
from .findings import FORMULA, DocumentFinding, Doubt, Layer
from .intervals import Range, all_meet
from .judging import ComparedSides, EquationJudge, EquationMistake, has_activation
from .known import Known, cut_or_rounded
from .operands import (
    Seen,
    are_exchanged,
    are_squares,
    gives,
    rearranged_operand,
    slip,
    wrong_operand,
)
from .put_in import PutIn, is_written_out
from .scope import Scope
from .syntax import (
    Literal,
    Negative,
    Symbol,
    Tree,
    flattened,
    inside,
    is_bare,
    is_numeric,
    key_of,
    literals,
    quantities,
    replaced,
    shown,
)
from .terms import wrong_terms
from .variants import activations, further_variants, somewhere, variants

MOST_DOUBTS = 60  # of which it is looked for what would explain them


class Blame:
    """Decides what is wrong, equation by equation.

    Attributes
    ----------
    findings
        What is wrong, in the order in which it was found.
    doubts
        The quantities whose values may be wrong, as numbers or results do not follow from them.
    supposes
        Whether a value is taken for another already, so that no more are looked for.
    given_up
        Formulas and numbers that do not go together at all.
    unjudged
        Pairs of sides of which one could not be computed.
    judged
        The lines on which two sides could be held together.
    right
        What the value of the equation at hand should be.
    last
        The last side of the equation at hand.
    unknown
        Whether a pair of numbers of the equation at hand was not computed.
    results
        The values of quantities that are wrong, by line and name, and what they should be.
    """

    def __init__(
        self, scope: Scope, known: Known, put_in: dict[str, Literal | None], supposes: bool
    ) -> None:
        self.scope = scope
        self.known = known
        self.judge = EquationJudge(known)
        self.seen = Seen(())
        self.put_in = PutIn(self.seen, scope.lookup, put_in)
        self.supposes = supposes
        self.findings: list[DocumentFinding] = []
        self.doubts: list[Doubt] = []
        self.read_by: Counter[str] = Counter()
        self.judged: set[int] = set()
        self.given_up = 0
        self.unjudged = 0
        self.results: list[tuple[int, str, Tree]] = []  # that are wrong, and what they should be
        self.in_tables: dict[str, Literal] = {}  # what wrong numbers of tables should be, by digits
        self.corrected: dict[str, Literal] = {}  # likewise, and operands of the equation at hand
        self.begin(None, None)

    def begin(self, name: Tree | None, last: Tree | None) -> None:
        """Go on to another equation, of this quantity, which ends in this side."""
        key = key_of(name) if name is not None else None
        self._is_deviation = key is not None and key.startswith("σ") and key[1:2] != "²"
        self.right: Range | None = None
        self.last = last
        self.corrected = dict(self.in_tables)
        self.unknown = False

    def hold(
        self,
        pair: ComparedSides,
        left: Side,
        right: Side,
        layer: Layer,
        earlier: Sequence[Tree],
        slip: float = 0.0,
    ) -> None:
        """Hold two sides together, and blame what is wrong."""
        try:
            mistakes = self.judge.mistakes(pair, earlier)
        except CannotEvaluate:
            self.unjudged += 1
            self.unknown = self.unknown or layer == "A"
            if layer == "A" and is_bare(pair.right) and not has_activation(pair.left):
                self._blame_operand(pair.left, literals(pair.right), [], left)
            if layer == "B" and self._misfits(pair, left):
                return
            mistakes = self.judge.put_in(pair) if layer == "B" else []
            if mistakes:
                self.numbers(mistakes, left, right, layer)
                self.doubt(pair, mistakes)
            return
        mistakes = [mistake for mistake in mistakes if mistake.off > slip]
        if layer == "B" and not is_bare(pair.right):
            wrong = wrong_terms(pair.left, pair.right, pair.lookup, self.known)
            if wrong is not None and not self.judge.uses:
                mistakes = wrong
        uses = self.judge.uses
        put_in = all(use.right for use in uses)
        may_be_formula = put_in or self._bears_out(pair.right)  # the equation ends in it
        if self._is_deviation and are_squares(mistakes):
            may_be_formula = False
        if layer == "B" and mistakes and may_be_formula and self._blames_formula(pair, left):
            self.judge.uses = uses
            if put_in and not _takes_bias_off(pair.left):
                self.doubt(pair, mistakes)
            return
        if layer == "B" and any(not mistake.printed for mistake in mistakes):
            # Another formula, or of quantities that only have the same names.
            if not self._ends_in(pair):
                self.given_up += 1
                self.judge.uses = uses
                self.doubt(pair, mistakes)
            return
        self.judge.uses = uses
        self.read_by[layer] += 1
        self.judged.add(right.line)
        if layer == "A" and mistakes and self._follows_corrected(pair, earlier):
            return
        if layer == "A" and mistakes and self._is_of_other_activation(pair, left):
            return
        unlike = any(not mistake.printed for mistake in mistakes)
        if layer == "A" and unlike and self._blames_arithmetic(pair, left, right):
            return
        mistakes = self._without_operands(pair, mistakes, left, earlier) or self._slips(pair)
        self.numbers(mistakes, left, right, layer)
        if mistakes:
            self.right = pair.found(as_printed)
            self.corrected |= dict(_corrections(mistakes))
            if layer == "B" and not self._ends_in(pair):
                self.doubt(pair, mistakes)

    def _without_operands(
        self,
        pair: ComparedSides,
        mistakes: Sequence[EquationMistake],
        left: Side,
        earlier: Sequence[Tree],
    ) -> list[EquationMistake]:
        """Blame the operands that explain what follows wrong, and return the other mistakes."""
        if are_exchanged(mistakes):
            printed = literals(pair.right)
            exchanged = self.seen.has_in_order(printed) and self._blame_operand(
                pair.left, printed, [], left, right=True
            )
            return [] if exchanged else list(mistakes)
        if self._is_deviation and are_squares(mistakes):
            return list(mistakes)
        if is_bare(pair.right) and mistakes and mistakes[0].made_of is None:
            blamed = self._blame_operand(pair.left, literals(pair.right), mistakes, left)
            if blamed:
                return []
        right = self._bears_out(pair.right)
        return [
            mistake
            for mistake in mistakes
            if mistake.number is None
            or not self._blame_operand(
                mistake.made_of,
                [mistake.number],
                [mistake],
                left,
                right,
                earlier if mistake.made_of == flattened(pair.left) else (),
            )
        ]

    def claim(self, claim: ColumnClaim) -> None:
        """Hold a number of a table against what its column says, and blame what is wrong."""
        try:
            mistakes = self.judge.mistakes(claim.pair, [])
        except CannotEvaluate:
            return
        self.read_by["A"] += 1
        left = Side(None, claim.says, claim.line)
        if claim.instead is not None:
            number, meant = claim.instead
            self.in_tables[number.text] = meant
            self._follow_from(number.line, number.text, meant.text, literals(claim.pair.right))
            return
        if not any(id(number) in claim.sound for number in literals(claim.pair.left)):
            mistakes = self._without_operands(claim.pair, mistakes, left, [])
        self.in_tables |= dict(_corrections(mistakes))
        self.numbers(mistakes, left, Side(claim.pair.right, "", claim.line), "A")

    def _slips(self, pair: ComparedSides) -> list[EquationMistake]:
        """Return the number whose last digit is another than the rest of the document has."""
        if not isinstance(pair.right, Literal):
            return []
        value = pair.found(as_printed)
        found = None
        if not value.shape:
            found = slip(pair.left, pair.right, float(value.middle), self.seen)
        return [] if found is None else [found]

    def _blame_operand(
        self,
        tree: Tree | None,
        printed: Sequence[Literal],
        mistakes: Sequence[EquationMistake],
        left: Side,
        right: bool = False,
        earlier: Sequence[Tree] = (),
    ) -> bool:
        """Blame an operand of a result, if it is more likely wrong than the result."""
        if tree is None:
            return False
        values = [value for value in map(self._value, earlier) if value is not None]
        wrong = wrong_operand(tree, printed, mistakes, self.seen, right, values)
        if wrong is None and (right or not mistakes or len(mistakes) > 1):
            wrong = rearranged_operand(tree, printed)
        if wrong is None or wrong.number is None:
            return False
        line = wrong.number.line or left.line
        self._follow_from(line, wrong.printed, wrong.expected, printed)
        return True

    def _follow_from(
        self, line: int, printed: str, expected: str, results: Sequence[Literal]
    ) -> None:
        """Blame a number that others follow from."""
        texts = ", ".join(number.text for number in results)
        reason = f"{texts} follows from {expected}, but {printed} is printed"
        self.findings.append(DocumentFinding(line, printed, expected, reason, "A"))

    def _blames_arithmetic(self, pair: ComparedSides, left: Side, right: Side) -> bool:
        """Blame an operand of the one of two sides that does not give what both come to."""
        if self.last is None or not is_bare(self.last):
            return False
        printed = literals(self.last)
        follow = [gives(tree, printed) for tree in (pair.left, pair.right)]
        if follow[0] == follow[1]:
            return False
        tree, side = (pair.right, right) if follow[0] else (pair.left, left)
        return self._blame_operand(tree, printed, [], side)

    def _value(self, tree: Tree) -> Range | None:
        """Return what a side comes to, by what the document states of its names."""
        try:
            return evaluate(tree, as_printed, self.scope.lookup)
        except CannotEvaluate:
            return None

    def _bears_out(self, right: Tree) -> bool:
        """Whether what the equation at hand ends in follows from one of its sides."""
        if self.last is None or right is self.last or not is_bare(self.last):
            return False
        return gives(right, literals(self.last))

    def _follows_corrected(self, pair: ComparedSides, earlier: Sequence[Tree]) -> bool:
        """Whether a result is right from the operands that were meant."""
        if not self.corrected:
            return False
        for place, number in enumerate(literals(pair.left)):
            if number.text not in self.corrected:
                continue
            left = replaced(pair.left, place, self.corrected[number.text])
            try:
                if not self.judge.mistakes(pair._replace(left=left), earlier):
                    return True
            except CannotEvaluate:
                continue
        return False

    def _blames_formula(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula's text if one sign or factor in it explains what does not follow."""
        if literals(pair.left) and is_numeric(pair.left):
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
                if wrong_terms(other, pair.right, pair.lookup, self.known):
                    continue
            except CannotEvaluate:
                continue
            if not (_tells(pair.right) or self._ends_in(pair._replace(left=other))):
                return False
            if self._ends_nearer(pair, other):
                return False
            self.read_by["B"] += 1
            self._blame_text(formula, intended, left)
            return True
        return False

    def _is_of_other_activation(self, pair: ComparedSides, left: Side) -> bool:
        """Blame an activation for what another one gives."""
        for other in somewhere(pair.left, activations) if _tells(pair.right) else ():
            if not self.judge.mistakes(pair._replace(left=other), []):
                self._blame_text(pair.left, other, left)
                return True
        return False

    def _misfits(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula that does not fit the numbers put in for what is not stated."""
        written = is_written_out(pair.right) and is_numeric(pair.right)
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
            self._blame_text(pair.left, edit, left)
        return edit is not None

    def _blame_text(self, formula: Tree, intended: Tree, left: Side) -> None:
        """Blame a formula's text, from whose numbers another one follows."""
        printed, expected = shown(formula), shown(intended)
        reason = f"its numbers follow from {expected}, but {printed} is printed"
        line = self.scope.line_of(formula) or left.line
        self.findings.append(DocumentFinding(line, printed, expected, reason, "B"))

    def _ends_in(self, pair: ComparedSides) -> bool:
        """Whether the equation at hand ends in a telling number that a formula gives."""
        if self.last is None or not (is_bare(self.last) and _tells(self.last)):
            return False
        return not self.judge.mistakes(pair._replace(right=self.last), [])

    def _ends_nearer(self, pair: ComparedSides, other: Tree) -> bool:
        """Whether what the equation at hand ends in is rather a formula's than another's."""
        if not isinstance(self.last, Literal) or self.last is pair.right:
            return False
        ours, theirs = (p.found(as_printed).middle for p in (pair, pair._replace(left=other)))
        off = [np.abs(value - self.last.value).max() for value in (ours, theirs)]
        return bool(off[0] < off[1])

    def doubt(self, pair: ComparedSides, mistakes: Sequence[EquationMistake]) -> None:
        """Remember which stated values go into what does not come out right."""
        used = {use.name: use for use in self.judge.uses if not use.right}
        for name in dict.fromkeys((*used, *quantities(pair.left))):
            stated = self.scope.where(name)
            if stated is not None:
                _, key, value, _ = stated
                use = used.get(name)
                number = use.number if use else None
                all_demands = self._demands(pair, value, partial(self.scope.supposing, key))
                self.doubts.append(Doubt(*stated, number, tuple(mistakes), all_demands))
        for key, said in self.scope.formulas.items():
            if said.tree == pair.left and literals(said.tree):
                all_demands = self._demands(pair, said.tree, None)
                place = (said.line, f"{FORMULA}{key}", said.tree, None)
                self.doubts.append(Doubt(*place, None, (), all_demands))

    def _demands(
        self,
        pair: ComparedSides,
        value: Tree,
        supposing: Callable[[Tree], AbstractContextManager[None]] | None,
    ) -> tuple[Demand, ...]:
        """Return what a value, or a formula itself, would have to be for two sides to agree."""
        if self.supposes or len(self.doubts) > MOST_DOUBTS:
            return ()
        try:
            printed = evaluate(pair.right, half, pair.lookup)
            if not is_bare(pair.right):  # as it stands: what is put in was not rounded for it
                by = min(number.unit for number in literals(pair.right)) / 2
                middle = evaluate(pair.right, as_printed, pair.lookup).middle
                printed = Range(middle - by, middle + by)
        except (CannotEvaluate, ValueError):
            return ()
        for left in readings(pair.left, count(pair.right) > 1):

            def given(tree: Tree, left: Tree = left) -> Array | None:
                try:
                    if supposing is None:
                        return pair._replace(left=tree).found(as_printed).middle
                    with supposing(tree):
                        return pair._replace(left=left).found(as_printed).middle
                except CannotEvaluate:
                    return None

            bounds = given(value)
            if bounds is not None and bounds.size == printed.low.size:
                return tuple(demands(value, given, printed))
        return ()

    def numbers(
        self, mistakes: Sequence[EquationMistake], left: Side, right: Side, layer: Layer
    ) -> None:
        for mistake in mistakes:
            printed = mistake.printed or right.text
            reason = f"{left.text} gives {mistake.expected}, but {printed} is printed"
            if left.tree is not None and is_bare(left.tree) and not mistake.printed:
                reason = f"{printed} does not give {left.text}"
            elif left.tree and any(mistake.number is number for number in literals(left.tree)):
                reason = f"{right.text} follows from {mistake.expected}, but {printed} is printed"
            line = (mistake.number.line if mistake.number else 0) or right.line
            self.findings.append(DocumentFinding(line, printed, mistake.expected, reason, layer))


def _takes_bias_off(formula: Tree) -> bool:
    """Whether a formula subtracts a bias, as no layer does: the formula is wrong, not a number."""
    bodies = (part.body for part in inside(formula) if isinstance(part, Negative))
    return any(isinstance(body, Symbol) and body.base.startswith("b") for body in bodies)


def _tells(right: Tree, least: int = TELLING) -> bool:
    """Whether a value has so many digits that no other formula gives them by chance."""
    digits = [number.significant for number in literals(right)]
    return (sum(digits) if is_bare(right) else max(digits, default=0)) >= least


def _corrections(mistakes: Sequence[EquationMistake]) -> Iterator[tuple[str, Literal]]:
    for mistake in mistakes:
        try:
            yield mistake.printed, literal(mistake.expected)
        except (Unreadable, ValueError):
            continue  # no number alone
