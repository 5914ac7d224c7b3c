"""What is to blame where two sides of an equation do not agree.

A result may be wrong, or an operand that was put into it, a formula's text, or a value that is
stated elsewhere. The first three are told here from the equation at hand; for the last, the
values that went into it are doubted, for `hypotheses.py` to try others for them.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Sequence
from functools import partial

from ..arithmetic.comparison import has_activation
from ..arithmetic.evaluation import CannotEvaluate, as_printed
from ..arithmetic.findings import DocumentFinding, Layer
from ..arithmetic.intervals import Range
from ..arithmetic.known import Known
from ..arithmetic.results import gives
from ..arithmetic.sides import MANY, ComparedSides, EquationMistake
from ..grammar.cursor import Unreadable, literal
from ..grammar.entries import entry_at, places
from ..grammar.syntax import (
    Literal,
    Tree,
    flattened,
    is_bare,
    key_of,
    literals,
    quantities,
    replaced,
    shown,
)
from ..statements.scope import Scope
from ..statements.sides import Side
from .claims import ColumnClaim, with_number
from .dropped import blame_lost_row
from .logarithms import ReadLogarithm, read_logarithm
from .operands import are_exchanged, are_squares, is_damaged, tells
from .terms import wrong_terms
from .wrong_arithmetic import ArithmeticBlame
from .wrong_formulas import takes_bias_off


class Blame(ArithmeticBlame):
    """Decides what is wrong, equation by equation.

    Attributes
    ----------
    unjudged
        Pairs of sides of which one could not be computed.
    judged
        The lines on which two sides could be held together.
    right
        What the value of the equation at hand should be.
    logarithms
        The numbers that logarithms give, and to which base.
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
        self.logarithms: list[ReadLogarithm] = []
        self.by_line: dict[int, dict[str, str]] = {}  # what findings print, and should
        self.indexed = 0  # how many of them stand there
        self.begin(None, None)

    def begin(self, name: Tree | None, last: Tree | None) -> None:
        """Go on to another equation, of this quantity, which ends in this side."""
        key = key_of(name) if name is not None else None
        self._is_deviation = key is not None and key.startswith("σ") and key[1:2] != "²"
        self.name = key
        self.before = self.given_up, len(self.doubts)
        self.right: Range | None = None
        self.last = last
        self.corrected = ChainMap({}, self.in_tables)
        self.meant = {}
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
            self._not_computed(pair, left, right, layer)
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
        may_be_formula = put_in or self.bears_out(pair.right)  # the equation ends in it
        if self._is_deviation and are_squares(mistakes):
            may_be_formula = False
        if layer == "B" and mistakes and may_be_formula and self.blames_formula(pair, left):
            self.judge.uses = uses
            if put_in and not takes_bias_off(pair.left) and not self._are_put_in(pair):
                self.doubt(pair, mistakes)
            return
        if layer == "B" and any(not mistake.printed for mistake in mistakes):
            if key_of(pair.left) != self.name and self.blames_lost_quantity(pair, left):
                return
            # Another formula, or of quantities that only have the same names.
            if not self.ends_in(pair):
                self.given_up += 1
                self.judge.uses = uses
                self.doubt(pair, mistakes)
            return
        self.judge.uses = uses
        if layer == "B" and mistakes and self.blames_lost_difference(pair, mistakes, right):
            return
        self.read_by[layer] += 1
        self.judged |= {right.line, *(n.line for n in literals(pair.right))}  # of its rows
        if layer == "A" and not mistakes:
            self.logarithms += read_logarithm(pair, self.judge.reading, right.line)
        if layer == "A" and mistakes and self._follows_corrected(pair, earlier):
            return
        if layer == "A" and mistakes and self.is_of_other_activation(pair, left):
            return
        if layer == "A" and mistakes and self.blames_lost_term(pair, left, right):
            return
        unlike = any(not mistake.printed for mistake in mistakes)
        if layer == "A" and unlike and self.blames_arithmetic(pair, left, right):
            return
        mistakes = self._without_operands(pair, mistakes, left, earlier) or self.slips(pair)
        self.numbers(mistakes, left, right, layer)
        if mistakes:
            self.right = pair.found(as_printed)
            self.corrected.update(_corrections(mistakes))
            if layer == "B" and not self.ends_in(pair):
                self.doubt(pair, mistakes)
        elif layer == "B" and is_bare(pair.right) and tells(literals(pair.right)):
            stated = map(self.scope.where, quantities(pair.left))
            self.borne_out.update(where[:2] for where in stated if where is not None)

    def _not_computed(self, pair: ComparedSides, left: Side, right: Side, layer: Layer) -> None:
        """Blame what keeps a side from being computed, or what is wrong all the same."""
        lost = blame_lost_row(pair, left, right, self.scope)
        if lost is not None:
            known = {(finding.line, finding.printed) for finding in self.findings}
            self.findings += [lost] if (lost.line, lost.printed) not in known else []
            return
        self.unjudged += 1
        self.unknown = self.unknown or layer == "A"
        # A logarithm of what may be negative by its rounding can be right as it is printed.
        fails = not (has_activation(pair.left) or pair.agree(as_printed))
        if layer == "A" and is_bare(pair.right) and fails:
            self.blame_operand(pair.left, literals(pair.right), [], left)
        if layer == "B" and (
            self.misfits_what_is_put_in(pair, left) or self.misfits_what_is_seen(pair, left)
        ):
            return
        mistakes = self.judge.put_in(pair) if layer == "B" else []
        if mistakes:
            self.numbers(mistakes, left, right, layer)
            self.doubt(pair, mistakes)

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
            exchanged = self.seen.has_in_order(printed) and self.blame_operand(
                pair.left, printed, [], left, right=1
            )
            return [] if exchanged else list(mistakes)
        if self._is_deviation and are_squares(mistakes):
            return list(mistakes)
        mistakes = self.blames_copied(pair, mistakes, left, earlier)
        mistakes = self.blames_misplaced(pair, mistakes, left)
        if is_bare(pair.right) and mistakes and mistakes[0].made_of is None:
            blamed = self.blame_operand(pair.left, literals(pair.right), mistakes, left)
            if blamed:
                return []
        if self.blames_sign(pair, mistakes, left):
            return []
        right = int(self.bears_out(pair.right))
        if not right and self.last is not None and self.last is not pair.right:
            right -= is_bare(self.last) and gives(pair.left, literals(self.last))
        rest = [
            mistake
            for mistake in mistakes
            if mistake.number is None
            or not self.blame_operand(
                mistake.made_of,
                [mistake.number],
                [mistake],
                left,
                self._by_table(mistake, claim) or right,
                earlier if mistake.made_of == flattened(pair.left) else (),
            )
        ]
        return [] if self.blames_side_before(pair, rest, left) else rest

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
            self.follow_from(number.line, number.text, meant.text, literals(claim.pair.right))
            return
        operands = literals(claim.pair.left)
        borne_out = mistakes and all(self._is_borne_out(number, claim) for number in operands)
        if not borne_out and not any(id(number) in claim.sound for number in operands):
            mistakes = self._without_operands(claim.pair, mistakes, left, [], claim)
        self.in_tables |= dict(_corrections(mistakes))
        self.numbers(mistakes, left, Side(claim.pair.right, "", claim.line), "A")

    def _is_borne_out(self, number: Literal, but: ColumnClaim) -> bool:
        """Whether a table says of a number, beside what is at hand, what holds."""
        claims = self.claims.get((number.line, number.text), ())
        return any(claim.pair.agree(as_printed) for claim in claims if claim is not but)

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
                self.follow_from(old.line or line, old.text, new.text, literals(pair.right))

    def _are_put_in(self, pair: ComparedSides) -> bool:
        """Whether the numbers of a formula's quantities are put in as they are stated."""
        written = [number.value for number in literals(pair.right)]
        stated = [self.scope.where(name) for name in quantities(pair.left)]
        values = [None if where is None else where[2] for where in stated]
        return len(written) > 1 and all(
            isinstance(v, Literal) and v.value in written for v in values
        )

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
        if not mistakes:
            return
        at = {id(number): place for number, place in places(right.tree)} if right.tree else {}
        own = set(map(id, literals(left.tree))) if left.tree else set()
        for mistake in mistakes:
            printed = mistake.printed or right.text
            place = at.get(id(mistake.number))
            entry = entry_at(left.tree, place) if left.tree and place else None
            made_of = left.text if entry is None or is_bare(entry) else shown(entry)
            reason = f"{made_of} gives {mistake.expected}, but {printed} is printed"
            if left.tree is not None and is_bare(left.tree) and not mistake.printed:
                reason = f"{printed} does not give {left.text}"
            elif id(mistake.number) in own:
                reason = f"{right.text} follows from {mistake.expected}, but {printed} is printed"
            line = (mistake.number.line if mistake.number else 0) or right.line
            self.findings.append(DocumentFinding(line, printed, mistake.expected, reason, layer))


def _corrections(mistakes: Sequence[EquationMistake]) -> Iterator[tuple[str, Literal]]:
    for mistake in mistakes:
        try:
            yield mistake.printed, literal(mistake.expected)
        except (Unreadable, ValueError):
            continue  # no number alone
