"""What is to blame in arithmetic for its result: a number, a sign, or two that were exchanged."""

from __future__ import annotations

from collections.abc import Sequence

from ..arithmetic.alike import align
from ..arithmetic.evaluation import CannotEvaluate, as_printed, evaluate
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import Range
from ..arithmetic.known import FAR, Known
from ..arithmetic.results import gives
from ..arithmetic.sides import SLIP, TELLING, ComparedSides, EquationMistake
from ..grammar.syntax import (
    Literal,
    Sum,
    Tree,
    is_bare,
    is_numeric,
    key_of,
    literals,
    substituted,
    with_part,
)
from ..grammar.variants import signs, somewhere
from ..statements.scope import Scope
from ..statements.sides import Side
from .edits import meant_arithmetic
from .operands import (
    are_exchanged,
    exchanged_terms,
    is_damaged,
    is_negated,
    misplaced,
    rearranged_operand,
    slip,
    tells,
    wrong_operand,
)
from .terms import with_term_of
from .wrong_formulas import FormulaBlame

# How much is computed to find wrong operands: of each wrong result as many numbers as it has
# operands, for each of these, and of few as many as of `FEWEST`. A document with more is wrong
# throughout.
MOST_SOUGHT = 20_000
FEWEST = 10


class ArithmeticBlame(FormulaBlame):
    """Blames what is in arithmetic for what it does not come to.

    Attributes
    ----------
    meant
        Sides of the equation at hand of which a sign is wrong, and what they should be.
    """

    def __init__(
        self, scope: Scope, known: Known, put_in: dict[str, Literal | None], supposes: bool
    ) -> None:
        super().__init__(scope, known, put_in, supposes)
        self.meant: dict[Tree, Tree] = {}
        self.sought = 0  # numbers computed with to find wrong operands

    def blame_operand(
        self,
        tree: Tree | None,
        printed: Sequence[Literal],
        mistakes: Sequence[EquationMistake],
        left: Side,
        right: int = 0,
        earlier: Sequence[Tree] = (),
    ) -> bool:
        """Blame an operand of a result, if it is more likely wrong than the result."""
        if tree is None:
            return False
        own = literals(tree)
        if own and not is_numeric(tree):
            tree = substituted(tree, self._stated)
        operands = len(literals(tree))
        self.sought += operands * max(operands, FEWEST)
        if self.sought > MOST_SOUGHT:
            return False
        values = [value for value in map(self._value, earlier) if value is not None]
        wrong = wrong_operand(tree, printed, mistakes, self.seen, right, values)
        if wrong is None and (right or not mistakes or len(mistakes) > 1):
            wrong = rearranged_operand(tree, printed)
        if len(printed) == 1 and len(mistakes) < 2 and len(own) == operands:
            other = self._meant(tree, printed[0], mistakes, wrong, right)
            if other is not None:
                self.meant[tree] = other
                self.blame_text(tree, other, left)
                return True
        if wrong is None or not any(wrong.number is number for number in own):
            return False
        assert wrong.number is not None, "one of the tree's own"
        line = wrong.number.line or left.line
        self.follow_from(line, wrong.printed, wrong.expected, printed)
        return True

    def _meant(
        self,
        tree: Tree,
        number: Literal,
        mistakes: Sequence[EquationMistake],
        wrong: EquationMistake | None,
        right: int,
    ) -> Tree | None:
        """Return what was meant for arithmetic, if no damage explains its result as well.

        A result that is off in its last digit was miscalculated, also where it is used.
        """
        if mistakes and all(mistake.off <= SLIP for mistake in mistakes):
            return None
        if right < 0 or any(self._is_damaged(number, mistake.value) for mistake in mistakes):
            return None
        return meant_arithmetic(tree, number, wrong, self.seen, bool(right) or not mistakes)

    def _is_damaged(self, number: Literal, meant: float) -> bool:
        """Whether one small thing happened to a number; it has its sign elsewhere too."""
        negated = abs(number.value + meant) <= number.unit / 2
        return is_damaged(number, meant) and not (negated and self.seen.bears_out_sign(number))

    def _stated(self, tree: Tree) -> Tree | None:
        """Return the value that is stated for a quantity."""
        stated = None if key_of(tree) is None else self.scope.where(tree)
        return None if stated is None or stated[3] is not None else stated[2]

    def follow_from(
        self, line: int, printed: str, expected: str, results: Sequence[Literal]
    ) -> None:
        """Blame a number that others follow from."""
        texts = ", ".join(number.text for number in results)
        reason = f"{texts} follows from {expected}, but {printed} is printed"
        self.findings.append(DocumentFinding(line, printed, expected, reason, "A"))

    def blames_sign(
        self, pair: ComparedSides, mistakes: Sequence[EquationMistake], left: Side
    ) -> bool:
        """Blame a sign of arithmetic, or numbers that changed places, for one of another sign.

        What bears the number out is the rest of its equation, or of the document.
        """
        if len(mistakes) != 1:
            return False
        number, made_of = mistakes[0].number, mistakes[0].made_of
        if number is None or made_of is None or not is_negated(made_of, number):
            return False
        exchanged = exchanged_terms(made_of)
        if exchanged is not None and self.seen.bears_out_sign(number):
            ours, theirs = exchanged
            self.follow_from(ours.line or left.line, ours.text, theirs.text, [number])
            return True
        if not self.bears_out(pair.right):
            return False
        for other in somewhere(pair.left, signs):
            if self._agrees(pair._replace(left=other)):
                self.blame_text(pair.left, other, left)
                return True
        return False

    def blames_misplaced(
        self, pair: ComparedSides, mistakes: Sequence[EquationMistake], left: Side
    ) -> list[EquationMistake]:
        """Blame numbers of arithmetic that stand at the place of others of it.

        They explain several results, all that are not miscalculated alone. What is left is
        returned.
        """
        far = [
            (mistake.made_of, mistake.number)
            for mistake in mistakes
            if mistake.number is not None
            and abs(mistake.value - mistake.number.value) > FAR * abs(mistake.number.value)
        ]
        rest = [mistake for mistake in mistakes if (mistake.made_of, mistake.number) not in far]
        if len(far) < 2 or are_exchanged([m for m in mistakes if m not in rest]):
            return list(mistakes)
        others = list({number.value: number for number in literals(pair.left)}.values())
        self.sought += len(others) * len(literals(pair.left))
        found = []
        for made_of, number in far if self.sought <= MOST_SOUGHT else ():
            tells_much = made_of is not None and number.significant >= TELLING
            wrong = misplaced(made_of, number, others) if made_of and tells_much else None
            if wrong is None:
                return list(mistakes)
            found.append((*wrong, number))
        for old, new, number in found:
            self.follow_from(old.line or left.line, old.text, new.text, [number])
        return rest if found else list(mistakes)

    def blames_arithmetic(self, pair: ComparedSides, left: Side, right: Side) -> bool:
        """Blame an operand of the one of two sides that does not give what both come to."""
        wrong = self._misfit(pair)
        if wrong is None or self.last is None:
            return False
        printed = literals(self.last)
        tree, side = (pair.left, left) if wrong == 0 else (pair.right, right)
        return self.blame_operand(tree, printed, [], side) or self._blame_sign(tree, side)

    def _blame_sign(self, tree: Tree, side: Side) -> bool:
        """Blame a sign of arithmetic that gives what the equation at hand ends in without it."""
        printed = literals(self.last) if self.last is not None else []
        for other in somewhere(tree, signs) if tells(printed) else ():
            if gives(other, printed):
                self.blame_text(tree, other, side)
                self.meant[tree] = other
                return True
        return False

    def blames_lost_term(self, pair: ComparedSides, left: Side, right: Side) -> bool:
        """Blame the one of two sides that has lost a term of the other, which the result has."""
        wrong = self._misfit(pair)
        if wrong is None:
            return False
        tree, other = (pair.left, pair.right) if wrong == 0 else (pair.right, pair.left)
        meant = with_term_of(tree, other)
        if meant is not None:
            self.meant[tree] = meant
            self.blame_text(tree, meant, (left, right)[wrong])
        return meant is not None

    def blames_lost_quantity(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula that has not all of the terms that are put in, by which it ends."""
        if not self.bears_out(pair.right) or is_numeric(pair.left):
            return False
        meant = with_term_of(pair.left, pair.right, pair.lookup)
        if meant is None or all(number.whole for number in literals(pair.right)):
            return False
        self.blame_text(pair.left, meant, left)
        return True

    def blames_lost_difference(
        self, pair: ComparedSides, mistakes: Sequence[EquationMistake], right: Side
    ) -> bool:
        """Blame numbers for `1` where a formula has `1 − x`, whose result is of the difference."""
        meant = pair.right
        for number, whole in ((m.number, m.made_of) for m in mistakes):
            if number is None or not isinstance(whole, Sum) or number not in whole.terms:
                return False
            meant = with_part(meant, number, substituted(whole, self._stated))
        if meant == pair.right or self.last is None or not gives(meant, literals(self.last)):
            return False
        self.meant[pair.right] = meant
        self.blame_text(pair.right, meant, right)
        return True

    def _misfit(self, pair: ComparedSides) -> int | None:
        """Return which of two sides does not give what the equation at hand ends in."""
        if self.last is None or not is_bare(self.last) or is_bare(pair.right):
            return None
        follow = [gives(tree, literals(self.last)) for tree in (pair.left, pair.right)]
        return None if follow[0] == follow[1] else follow.index(False)

    def blames_side_before(
        self, pair: ComparedSides, mistakes: Sequence[EquationMistake], left: Side
    ) -> bool:
        """Blame what numbers should be made of, if the result follows from them as they are."""
        slips = any(mistake.off <= SLIP for mistake in mistakes)
        if not mistakes or slips or not is_numeric(pair.left) or self._misfit(pair) != 0:
            return False
        others = [t for t in somewhere(pair.left, signs) if self._agrees(pair._replace(left=t))]
        if others:
            other = max(others, key=lambda tree: _is_term_by_term(tree, pair.right))
            self.meant[pair.left] = other
            self.blame_text(pair.left, other, left)
            return True
        made = [(m.made_of, m.number) for m in mistakes if m.made_of is not None and m.number]
        if len(made) < len(mistakes) or any(is_bare(tree) for tree, _ in made):
            return False
        for tree, number in made:
            self.blame_text(tree, number, left)
        return True

    def _agrees(self, pair: ComparedSides) -> bool:
        """Whether one side comes to the other; a logarithm of what is negative does not."""
        try:
            return not self.judge.mistakes(pair, [])
        except CannotEvaluate:
            return False

    def slips(self, pair: ComparedSides) -> list[EquationMistake]:
        """Return the number whose last digit is another than the rest of the document has."""
        if not isinstance(pair.right, Literal):
            return []
        value = pair.found(as_printed)
        if value.shape:
            return []
        # Of a whole number, floor's result is one of two, as it may be a little less.
        nearest = min(max(pair.right.value, float(value.low)), float(value.high))
        found = slip(pair.left, pair.right, nearest, self.seen)
        return [] if found is None else [found]

    def blames_copied(
        self,
        pair: ComparedSides,
        mistakes: Sequence[EquationMistake],
        left: Side,
        earlier: Sequence[Tree],
    ) -> list[EquationMistake]:
        """Blame numbers that are others in the next side, where only that gives the result.

        What is left is returned, all of it where a side before says how it should be.
        """
        before = any(self._value(tree) is not None for tree in earlier)
        if before or self.last is None or not self.bears_out(pair.right):
            return list(mistakes)
        printed, own = literals(self.last), set(map(id, literals(pair.left)))
        copied = [m for m in mistakes if isinstance(m.made_of, Literal) and id(m.made_of) in own]
        if gives(pair.left, printed):
            return list(mistakes)
        for mistake in copied:
            assert isinstance(mistake.made_of, Literal), "as was asked"
            wrong = mistake.made_of
            self.follow_from(wrong.line or left.line, wrong.text, mistake.printed, printed)
        return [mistake for mistake in mistakes if mistake not in copied]

    def bears_out(self, right: Tree) -> bool:
        """Whether what the equation at hand ends in follows from one of its sides."""
        if self.last is None or right is self.last or not is_bare(self.last):
            return False
        return gives(right, literals(self.last))

    def _value(self, tree: Tree) -> Range | None:
        """Return what a side comes to, by what the document states of its names."""
        try:
            return evaluate(tree, as_printed, self.scope.lookup)
        except CannotEvaluate:
            return None


def _is_term_by_term(tree: Tree, other: Tree) -> bool:
    """Whether arithmetic comes to other arithmetic in each part of it, and not as a whole alone."""
    aligned = align(tree, other)
    return aligned is not None and all(gives(part, [number]) for part, number in aligned)
