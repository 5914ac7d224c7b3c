"""What is to blame where two sides of an equation do not agree.

A result may be wrong, or an operand that was put into it, a formula's text, or a value that is
stated elsewhere. The first three are told here from the equation at hand; for the last, the
values that went into it are doubted, for `hypotheses.py` to try others for them.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from functools import partial

from .chains import Side
from .claims import ColumnClaim, with_number
from .cursor import Unreadable, literal
from .dropped import blame_lost_row
from .evaluation import CannotEvaluate, as_printed, evaluate
from .findings import DocumentFinding, Layer
from .intervals import Range
from .judging import MANY, ComparedSides, EquationMistake, has_activation
from .known import Known
from .operands import (
    are_exchanged,
    are_squares,
    exchanged_terms,
    gives,
    is_damaged,
    is_negated,
    rearranged_operand,
    slip,
    tells,
    wrong_operand,
)
from .scope import Scope
from .syntax import (
    Literal,
    Tree,
    flattened,
    is_bare,
    key_of,
    literals,
    quantities,
    replaced,
)
from .terms import wrong_terms
from .variants import signs, somewhere
from .wrong_formulas import FormulaBlame, takes_bias_off

# How much is computed to find wrong operands: of each wrong result as many numbers as it has
# operands, for each of these. A document with more is wrong throughout.
MOST_SOUGHT = 20_000


class Blame(FormulaBlame):
    """Decides what is wrong, equation by equation.

    Attributes
    ----------
    unjudged
        Pairs of sides of which one could not be computed.
    judged
        The lines on which two sides could be held together.
    right
        What the value of the equation at hand should be.
    unknown
        Whether a pair of numbers of the equation at hand was not computed.
    borne_out
        The values that results follow from, by line and name.
    results
        The values of quantities that are wrong, by line and name, and what they should be.
    """

    def __init__(
        self, scope: Scope, known: Known, put_in: dict[str, Literal | None], supposes: bool
    ) -> None:
        super().__init__(scope, known, put_in, supposes)
        self.judged: set[int] = set()
        self.unjudged = 0
        self.borne_out: set[tuple[int, str]] = set()
        self.claims: dict[tuple[int, str], list[ColumnClaim]] = {}  # by the numbers of a table
        self.results: list[tuple[int, str, Tree]] = []  # that are wrong, and what they should be
        self.in_tables: dict[str, Literal] = {}  # what wrong numbers of tables should be, by digits
        self.corrected: ChainMap[str, Literal]  # likewise, and operands of the equation at hand
        self.by_line: dict[int, dict[str, str]] = {}  # what findings print, and should
        self.indexed = 0  # how many of them stand there
        self.sought = 0  # numbers computed with to find wrong operands
        self.begin(None, None)

    def begin(self, name: Tree | None, last: Tree | None) -> None:
        """Go on to another equation, of this quantity, which ends in this side."""
        key = key_of(name) if name is not None else None
        self._is_deviation = key is not None and key.startswith("σ") and key[1:2] != "²"
        self.before = self.given_up, len(self.doubts)
        self.right: Range | None = None
        self.last = last
        self.corrected = ChainMap({}, self.in_tables)
        self.meant: dict[Tree, Tree] = {}  # for sides of it of which a sign is wrong
        self.unknown = False

    def explain_equation(self) -> None:
        """Doubt no value for the equation at hand, of which the formula is wrong."""
        self.given_up, doubts = self.before
        del self.doubts[doubts:]

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
        pair = pair._replace(left=self.meant.get(pair.left, pair.left))
        try:
            mistakes = self.judge.mistakes(pair, earlier)
        except CannotEvaluate:
            lost = blame_lost_row(pair, left, right, self.scope)
            if lost is not None:
                known = {(finding.line, finding.printed) for finding in self.findings}
                self.findings += [lost] if (lost.line, lost.printed) not in known else []
                return
            self.unjudged += 1
            self.unknown = self.unknown or layer == "A"
            if layer == "A" and is_bare(pair.right) and not has_activation(pair.left):
                self._blame_operand(pair.left, literals(pair.right), [], left)
            if layer == "B" and (
                self.misfits_what_is_put_in(pair, left) or self.misfits_what_is_seen(pair, left)
            ):
                return
            mistakes = self.judge.put_in(pair) if layer == "B" else []
            if mistakes:
                self.numbers(mistakes, left, right, layer)
                self.doubt(pair, mistakes)
            return
        mistakes = [mistake for mistake in mistakes if mistake.off > slip]
        lost = blame_lost_row(pair, left, right, self.scope) if mistakes and layer == "B" else None
        if lost is not None:
            self.findings.append(lost)
            return
        if layer == "B" and not is_bare(pair.right):
            wrong = wrong_terms(pair.left, pair.right, pair.lookup, self.known, pair.place)
            if wrong is not None and not self.judge.uses:
                mistakes = wrong
        uses = self.judge.uses
        put_in = all(use.right for use in uses)
        may_be_formula = put_in or self._bears_out(pair.right)  # the equation ends in it
        if self._is_deviation and are_squares(mistakes):
            may_be_formula = False
        if layer == "B" and mistakes and may_be_formula and self.blames_formula(pair, left):
            self.judge.uses = uses
            if put_in and not takes_bias_off(pair.left) and not self._are_put_in(pair):
                self.doubt(pair, mistakes)
            return
        if layer == "B" and any(not mistake.printed for mistake in mistakes):
            # Another formula, or of quantities that only have the same names.
            if not self.ends_in(pair):
                self.given_up += 1
                self.judge.uses = uses
                self.doubt(pair, mistakes)
            return
        self.judge.uses = uses
        self.read_by[layer] += 1
        self.judged.add(right.line)
        if layer == "A" and mistakes and self._follows_corrected(pair, earlier):
            return
        if layer == "A" and mistakes and self.is_of_other_activation(pair, left):
            return
        unlike = any(not mistake.printed for mistake in mistakes)
        if layer == "A" and unlike and self._blames_arithmetic(pair, left, right):
            return
        mistakes = self._without_operands(pair, mistakes, left, earlier) or self._slips(pair)
        self.numbers(mistakes, left, right, layer)
        if mistakes:
            self.right = pair.found(as_printed)
            self.corrected.update(_corrections(mistakes))
            if layer == "B" and not self.ends_in(pair):
                self.doubt(pair, mistakes)
        elif layer == "B" and is_bare(pair.right) and tells(literals(pair.right)):
            stated = map(self.scope.where, quantities(pair.left))
            self.borne_out.update(where[:2] for where in stated if where is not None)

    def _without_operands(
        self,
        pair: ComparedSides,
        mistakes: Sequence[EquationMistake],
        left: Side,
        earlier: Sequence[Tree],
        claim: ColumnClaim | None = None,
    ) -> list[EquationMistake]:
        """Blame the operands that explain what follows wrong, and return the other mistakes."""
        if are_exchanged(mistakes):
            printed = literals(pair.right)
            exchanged = self.seen.has_in_order(printed) and self._blame_operand(
                pair.left, printed, [], left, right=1
            )
            return [] if exchanged else list(mistakes)
        if self._is_deviation and are_squares(mistakes):
            return list(mistakes)
        if is_bare(pair.right) and mistakes and mistakes[0].made_of is None:
            blamed = self._blame_operand(pair.left, literals(pair.right), mistakes, left)
            if blamed:
                return []
        if self._blames_sign(pair, mistakes, left):
            return []
        right = int(self._bears_out(pair.right))
        if not right and self.last is not None and self.last is not pair.right:
            right -= is_bare(self.last) and gives(pair.left, literals(self.last))
        return [
            mistake
            for mistake in mistakes
            if mistake.number is None
            or not self._blame_operand(
                mistake.made_of,
                [mistake.number],
                [mistake],
                left,
                self._by_table(mistake, claim) or right,
                earlier if mistake.made_of == flattened(pair.left) else (),
            )
        ]

    def _blames_sign(
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
            self._follow_from(ours.line or left.line, ours.text, theirs.text, [number])
            return True
        if not self._bears_out(pair.right):
            return False
        for other in somewhere(pair.left, signs):
            if not self.judge.mistakes(pair._replace(left=other), []):
                self.blame_text(pair.left, other, left)
                return True
        return False

    def claim(self, claim: ColumnClaim) -> None:
        """Hold a number of a table against what its column says, and blame what is wrong."""
        if claim.meant is not None:
            self.blame_text(claim.pair.left, claim.meant, Side(None, claim.says, claim.line))
            return
        if any(other.pair.agree() for other in self._as_corrected(claim)):
            return
        try:
            mistakes = [] if claim.held else self.judge.mistakes(claim.pair, [])
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
            mistakes = self._without_operands(claim.pair, mistakes, left, [], claim)
        self.in_tables |= dict(_corrections(mistakes))
        self.numbers(mistakes, left, Side(claim.pair.right, "", claim.line), "A")

    def _as_corrected(self, claim: ColumnClaim) -> Iterator[ColumnClaim]:
        """Yield a claim with a number of it that was blamed as it should be."""
        for finding in self.findings[self.indexed :]:
            self.by_line.setdefault(finding.line, {})[finding.printed] = finding.expected
        self.indexed = len(self.findings)
        for printed, expected in self.by_line.get(claim.line, {}).items():
            yield with_number(claim, (claim.line, printed), expected)

    def _by_table(self, mistake: EquationMistake, but: ColumnClaim | None) -> int:
        """Return whether a table bears out a result (1), or what it should be (-1).

        Parameters
        ----------
        but
            What is said of it that is at hand, and bears nothing out.
        """
        at = (mistake.number.line if mistake.number else 0, mistake.printed)
        for claim in (claim for claim in self.claims.get(at, ()) if claim is not but):
            if claim.pair.agree():
                return 1
            if with_number(claim, at, mistake.expected).pair.agree():
                return -1
        return 0

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
        right: int = 0,
        earlier: Sequence[Tree] = (),
    ) -> bool:
        """Blame an operand of a result, if it is more likely wrong than the result."""
        if tree is None:
            return False
        self.sought += len(literals(tree)) ** 2
        if self.sought > MOST_SOUGHT:
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
        return self._blame_operand(tree, printed, [], side) or self._blame_sign(tree, side)

    def _blame_sign(self, tree: Tree, side: Side) -> bool:
        """Blame a sign of arithmetic that gives what the equation at hand ends in without it."""
        printed = literals(self.last) if self.last is not None else []
        for other in somewhere(tree, signs) if tells(printed) else ():
            if gives(other, printed):
                self.blame_text(tree, other, side)
                self.meant[tree] = other
                return True
        return False

    def damaged(self, pair: ComparedSides) -> None:
        """Blame the value that a formula is of, if it is one that was meant, damaged.

        What a result of few digits needs may be so by chance, as it may be another example's.
        """
        if sum(number.significant for number in literals(pair.right)) < MANY:
            return
        names = set(quantities(pair.left))
        stated = self.scope.where(names.pop()) if len(names) == 1 else None
        if stated is None:
            return
        line, key, value, _ = stated
        for demand in self._demands(pair, value, partial(self.scope.supposing, key)):
            old, new = demand.old, demand.new
            if not (isinstance(old, Literal) and isinstance(new, Literal)):
                continue
            if is_damaged(old, new.value):
                self._follow_from(old.line or line, old.text, new.text, literals(pair.right))

    def _are_put_in(self, pair: ComparedSides) -> bool:
        """Whether the numbers of a formula's quantities are put in as they are stated."""
        written = [number.value for number in literals(pair.right)]
        stated = [self.scope.where(name) for name in quantities(pair.left)]
        values = [None if where is None else where[2] for where in stated]
        return len(written) > 1 and all(
            isinstance(v, Literal) and v.value in written for v in values
        )

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


def _corrections(mistakes: Sequence[EquationMistake]) -> Iterator[tuple[str, Literal]]:
    for mistake in mistakes:
        try:
            yield mistake.printed, literal(mistake.expected)
        except (Unreadable, ValueError):
            continue  # no number alone
