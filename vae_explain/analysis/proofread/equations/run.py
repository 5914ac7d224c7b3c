"""One reading of a document: its equations judged in order, and remembered for the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from types import MappingProxyType

from ....trace import Array
from .alike import are_others, count, element_of, readings
from .backward import TELLING, Backward
from .chains import Chain, Side
from .columns import ColumnClaim
from .cursor import Unreadable, literal
from .damages import damages
from .demands import Demand, demands
from .evaluation import CannotEvaluate, as_printed, evaluate, half, nothing
from .findings import FORMULA, DocumentFinding, Doubt, Layer
from .intervals import Range, all_meet
from .judging import SLIP, ComparedSides, EquationJudge, EquationMistake, has_activation
from .known import Known, cut_or_rounded
from .operands import Seen, wrong_operand
from .put_in import PutIn, is_written_out
from .restated import Restated
from .scope import Scope, counted_from_zero
from .syntax import (
    Literal,
    Negative,
    Symbol,
    Tree,
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
from .usual import meant, multiples, usual_formula, with_bias
from .variants import variants

MOST_DOUBTS = 60  # of which it is looked for what would explain them
NEAR = 0.1  # of a number, by which it may be miscalculated
MOST_EARLIER = 8  # sides of an equation that may bear out a result further on


class EquationReader:
    """One reading of a document from its first equation to its last.

    Attributes
    ----------
    changed
        Values to take for those that are stated, by line and name: a hypothesis.
    doubts
        The quantities whose values may be wrong, as numbers or results do not follow from them.
    """

    def __init__(
        self,
        changed: Mapping[tuple[int, str], Tree] = MappingProxyType({}),
        put_in: dict[str, Literal | None] | None = None,
    ) -> None:
        self.changed = changed
        self.doubts: list[Doubt] = []
        self.known = Known()
        self.judge = EquationJudge(self.known)
        self.stated: dict[str, dict[Tree, int]] = {}  # every value of a quantity, and where
        self.scope = Scope()
        self.findings: list[DocumentFinding] = []
        self.read_by: Counter[str] = Counter()
        self.backward = Backward(self.scope)
        self.restated = Restated(self.scope, self.known)
        self.seen = Seen(())
        self.put_in = PutIn(self.seen, self.scope.lookup, {} if put_in is None else put_in)
        self.multiples: set[str] = set()  # quantities of which twice or half as much is stated
        self.given_up = 0  # formulas and numbers that do not go together at all
        self.unjudged = 0  # pairs of sides of which one could not be computed
        self.unread = 0  # equations in numbers of which a side could not be read or computed
        self.corrected: dict[str, Literal] = {}  # operands of the equation at hand, by digits
        self.unknown = False  # whether a pair of numbers of the equation at hand was not computed
        self.right: Range | None = None  # what the value of the equation at hand should be
        self.last: Tree | None = None  # its last side

    def read(self, chains: Sequence[Chain], claims: Sequence[ColumnClaim]) -> None:
        """Judge equations in order, then what the columns of tables say."""
        trees = [s.tree for chain in chains for s in chain.sides if s.tree is not None]
        self.scope.zero_based = counted_from_zero(trees)
        self.seen = self.put_in.seen = Seen(trees)
        self.multiples = multiples(_said(chains))
        for chain in chains:
            self._chain(chain)
        for claim in claims:
            self._claim(claim)
        self._settle_gradients()
        self._settle_restated()
        self.findings = list(dict.fromkeys(sorted(self.findings, key=lambda f: f.line)))

    # --- one equation ---

    @property
    def read_by_layer(self) -> Mapping[Layer, int]:
        """How many pairs of sides could be held together."""
        return {layer: self.read_by[layer] for layer in ("A", "B", "C")}

    def _chain(self, chain: Chain) -> None:
        name = chain.sides[0].tree
        defines = name is not None and key_of(name) is not None
        sides = [side for side in chain.sides[defines:] if side.tree is not None]
        self.right = None
        self.last = sides[-1].tree if sides else None
        self.corrected = {}
        judged, self.unknown = self.read_by.total(), False
        for position, side in enumerate(sides):
            if position:
                self._pair(chain, sides[max(0, position - MOST_EARLIER - 1) : position + 1])
            elif defines and name is not None:
                self._against_formula(chain, name, side)
        if defines and name is not None and len(sides) > 1 and sides[-1].tree is not None:
            written = sides[0].tree is not None and is_numeric(sides[0].tree)
            if written and is_bare(sides[-1].tree) and not self.right:
                self._against_formula(chain, name, sides[-1], SLIP)
        if name is not None and sides:
            self.backward.hold(name, sides[-1])
        unread = any(s.tree is None and _has_digits(s.text) for s in chain.sides[1:])
        self.unread += unread or (self.unknown and self.read_by.total() == judged)
        self._remember(chain)

    def _pair(self, chain: Chain, sides: Sequence[Side]) -> None:
        """Hold a side against the nearest before it that can be evaluated."""
        *before, right = sides
        earlier = [s.tree for s in before[-1 - MOST_EARLIER : -1] if s.tree is not None]
        left = before[-1]
        assert right.tree is not None, "only what was read is compared"
        if left.tree is not None and are_others(left.tree, right.tree):
            # Two numbers with nothing to do with each other, unless both are said to be a result.
            made = [s for s in before if s.tree is not None and _is_arithmetic(s.tree)]
            if not made:
                return
            left, earlier = made[-1], []
        assert left.tree is not None, "likewise"
        if len(chain.sides) == 2 and self._is_of_another(left.tree, right.tree):
            self.scope.forget(left.tree)
            return
        layer: Layer = "A" if is_numeric(left.tree) and is_numeric(right.tree) else "B"
        lookup = nothing if layer == "A" else self.scope.lookup
        self._hold(ComparedSides(left.tree, right.tree, lookup), left, right, layer, earlier)

    def _is_of_another(self, left: Tree, right: Tree) -> bool:
        """Whether what is stated of quantities, as `√a = 0.6`, is of another example's.

        It is no damage of what it would be here, and the document goes on with it.
        """
        if is_numeric(left) or not isinstance(right, Literal) or self.seen.counts[right.value] < 2:
            return False
        try:
            bounds = evaluate(left, as_printed, self.scope.lookup)
        except CannotEvaluate:
            return False
        likely = (right, *damages(right))
        return not bounds.shape and not any(_is_near(bounds, number) for number in likely)

    def _against_formula(self, chain: Chain, name: Tree, side: Side, slip: float = 0.0) -> None:
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
            self._against_usual(name, side, side.tree)
            return
        formula, place = stated
        left = Side(formula, f"the formula of {key_of(name)}", side.line)
        pair = ComparedSides(formula, side.tree, self.scope.lookup, place)
        if place is not None:
            try:
                pair.found(as_printed)
            except CannotEvaluate:  # of what is stated one by one, by the names of the elements
                pair = ComparedSides(element_of(formula, place), side.tree, self.scope.lookup)
        self._hold(pair, left, side, "B", [], slip)

    def _against_usual(self, name: Tree, side: Side, written: Tree) -> None:
        """Hold a divergence that is written out against its usual form, term by term."""
        key = key_of(name) or ""
        usual = usual_formula(key)
        if usual is None:
            return
        if is_bare(written):
            self._against_relative(name, ComparedSides(usual, written, self.scope.lookup), side)
        if is_bare(written) or not key.upper().endswith("KL"):
            return
        mistakes = wrong_terms(usual, written, self.scope.lookup, self.known.as_known)
        if mistakes is None:
            self.unjudged += 1
            return
        self.read_by["B"] += 1
        if mistakes:
            self._doubt(ComparedSides(usual, written, self.scope.lookup), mistakes)
            self._blame(
                mistakes, Side(None, "KL = ½·Σ(σ² + μ² − 1 − log σ²)", side.line), side, "B"
            )

    def _against_relative(self, name: Tree, pair: ComparedSides, side: Side) -> None:
        """Hold a deviation or variance against the variance or its logarithm beside it.

        If no number of it goes with them, they are another example's.
        """
        known, exact = (self.scope.relative(name, leaf) for leaf in (half, as_printed))
        numbers = literals(pair.right)
        if known is None or exact is None or known.low.size != len(numbers):
            return
        triples = zip(numbers, known.flat(), exact.middle.ravel(), strict=True)
        wrong = [(n, float(v)) for n, k, v in triples if not all_meet(cut_or_rounded(n), k)]
        if not wrong or (len(wrong) == len(numbers) and not _are_exchanged(wrong)):
            return
        mistakes = [EquationMistake.of(number, value) for number, value in wrong]
        self.judge.uses = []
        self.right = known
        self._doubt(pair, mistakes)
        self._blame(mistakes, Side(None, shown(pair.left), side.line), side, "B")

    def _hold(
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
                self._blame(mistakes, left, right, layer)
                self._doubt(pair, mistakes)
            return
        mistakes = [mistake for mistake in mistakes if mistake.off > slip]
        if layer == "B" and not is_bare(pair.right):
            wrong = wrong_terms(pair.left, pair.right, pair.lookup, self.known.as_known)
            if wrong is not None and not self.judge.uses:
                mistakes = wrong
        uses = self.judge.uses
        put_in = all(use.right for use in uses)
        if layer == "B" and mistakes and put_in and self._blames_formula(pair, left):
            self.judge.uses = uses
            if not _takes_bias_off(pair.left):
                self._doubt(pair, mistakes)
            return
        if layer == "B" and any(not mistake.printed for mistake in mistakes):
            # Another formula, or of quantities that only have the same names.
            if not self._ends_in(pair):
                self.given_up += 1
                self.judge.uses = uses
                self._doubt(pair, mistakes)
            return
        self.judge.uses = uses
        self.read_by[layer] += 1
        if layer == "A" and mistakes and self._follows_corrected(pair, earlier):
            return
        mistakes = self._without_operands(pair, mistakes, left)
        self._blame(mistakes, left, right, layer)
        if mistakes:
            self.right = pair.found(as_printed)
            self.corrected |= dict(_corrections(mistakes))
            if layer == "B" and not self._ends_in(pair):
                self._doubt(pair, mistakes)

    def _without_operands(
        self, pair: ComparedSides, mistakes: Sequence[EquationMistake], left: Side
    ) -> list[EquationMistake]:
        """Blame the operands that explain what follows wrong, and return the other mistakes."""
        if is_bare(pair.right) and len(mistakes) > 1:
            blamed = self._blame_operand(pair.left, literals(pair.right), mistakes, left)
            if blamed:
                return []
        return [
            mistake
            for mistake in mistakes
            if mistake.number is None
            or not self._blame_operand(
                mistake.made_of, [mistake.number], [mistake], left, self._bears_out(pair.right)
            )
        ]

    def _blame_operand(
        self,
        tree: Tree | None,
        printed: Sequence[Literal],
        mistakes: Sequence[EquationMistake],
        left: Side,
        right: bool = False,
    ) -> bool:
        """Blame an operand of a result, if it is more likely wrong than the result."""
        wrong = wrong_operand(tree, printed, mistakes, self.seen, right) if tree else None
        if wrong is None or wrong.number is None:
            return False
        results = ", ".join(number.text for number in printed)
        reason = f"{results} follows from {wrong.expected}, but {wrong.printed} is printed"
        line = wrong.number.line or left.line
        self.findings.append(DocumentFinding(line, wrong.printed, wrong.expected, reason, "A"))
        return True

    def _bears_out(self, right: Tree) -> bool:
        """Whether what the equation at hand ends in follows from one of its sides."""
        if self.last is None or right is self.last or not is_bare(self.last):
            return False
        try:
            return not self.judge.mistakes(ComparedSides(right, self.last, self.scope.lookup), [])
        except CannotEvaluate:
            return False

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
        for other, intended in zip(variants(pair.left), variants(formula), strict=True):
            try:
                if self.judge.mistakes(pair._replace(left=other), []):
                    continue
                if wrong_terms(other, pair.right, pair.lookup, self.known.as_known):
                    continue
            except CannotEvaluate:
                continue
            if not (_tells(pair.right) or self._ends_in(pair._replace(left=other))):
                return False
            self.read_by["B"] += 1
            self._blame_text(formula, intended, left)
            return True
        return False

    def _misfits(self, pair: ComparedSides, left: Side) -> bool:
        """Blame a formula that does not fit the numbers put in for what is not stated."""
        written = is_written_out(pair.right) and is_numeric(pair.right)
        if not written or is_numeric(pair.left) or left.tree != pair.left or pair.place is not None:
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

    def _doubt(self, pair: ComparedSides, mistakes: Sequence[EquationMistake]) -> None:
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
        if self.changed or len(self.doubts) > MOST_DOUBTS:
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

    def _blame(
        self, mistakes: Sequence[EquationMistake], left: Side, right: Side, layer: Layer
    ) -> None:
        for mistake in mistakes:
            printed = mistake.printed or right.text
            reason = f"{left.text} gives {mistake.expected}, but {printed} is printed"
            if left.tree is not None and is_bare(left.tree) and not mistake.printed:
                reason = f"{printed} does not give {left.text}"
            line = (mistake.number.line if mistake.number else 0) or right.line
            self.findings.append(DocumentFinding(line, printed, mistake.expected, reason, layer))

    def _remember(self, chain: Chain) -> None:
        """Take what an equation states into the scope."""
        names = [s.tree for s in chain.sides if s.tree is not None and key_of(s.tree) is not None]
        if not names or chain.sides[0].tree is not names[0]:
            return
        last = chain.sides[-1]
        formulas = [
            s.tree
            for s in chain.sides[1:]
            if s.tree is not None and not is_numeric(s.tree) and key_of(s.tree) is None
        ]
        if formulas:
            formulas = [self._as_usual(names[0], formula, last.line) for formula in formulas]
            key = f"{FORMULA}{key_of(names[0])}"
            self.scope.say(names[0], self.changed.get((last.line, key), formulas[0]), last.line)
        values = [s.tree for s in chain.sides if s.tree is not None and is_bare(s.tree)]
        aside = chain.case and values and isinstance(values[-1], Literal) and values[-1].whole
        if values and not aside:
            if len(chain.sides) == 2:
                self.known.stated |= {n.text.lstrip("+-") for n in literals(values[0])}
            for name in names:
                key = key_of(name) or ""
                value = self.changed.get((last.line, key), values[-1])
                plain = len(chain.sides) == 2
                before = self.restated.state(name, value, last.line) if plain else None
                self.scope.state(name, value, last.line, before or self.right)
                self.stated.setdefault(key, {})[value] = last.line

    def _as_usual(self, name: Tree, formula: Tree, line: int) -> Tree:
        """Blame a formula that is not what its quantity is everywhere, and return what is meant."""
        key = key_of(name) or ""
        other = meant(key, formula) or with_bias(formula)
        factor = other is not None and len(literals(other)) > len(literals(formula))
        if other is None or (factor and key.upper().endswith("KL") and key in self.multiples):
            return formula
        self.read_by["B"] += 1
        printed, expected = shown(formula), shown(other)
        reason = f"{key} is {expected} by its definition, but {printed} is printed"
        self.findings.append(DocumentFinding(line, printed, expected, reason, "B"))
        return other

    def _settle_gradients(self) -> None:
        if not self.backward.is_understood:
            wrong = [checked for checked in self.backward.found if checked.mistakes]
            self.given_up += len(wrong)
            for key, stated in self.scope.values.items() if wrong else ():
                doubt = Doubt(stated.line, key, stated.tree, None, None, (), unknown=True)
                self.doubts.append(doubt)
            return
        for name, side, mistakes in self.backward.found:
            self.read_by["C"] += 1
            left = Side(None, f"the backward pass to {shown(name)}", side.line)
            known = {(checked.line, checked.printed) for checked in self.findings}
            new = [m for m in mistakes if (side.line, m.printed) not in known]
            self._blame(new, left, side, "C")

    def _settle_restated(self) -> None:
        known = {(finding.line, finding.printed) for finding in self.findings}
        for again, mistake in self.restated.mistakes():
            line = again.number.line or again.line
            if (line, mistake.printed) in known:
                continue
            if again.first is not None and not again.certain:
                self.doubts.append(Doubt(*again.first, None, (), again=again.line))
            expected, printed = mistake.expected, mistake.printed
            reason = f"{again.key} is stated as {expected} too, but {printed} is printed"
            self.findings.append(DocumentFinding(line, printed, expected, reason, "B"))

    def _claim(self, claim: ColumnClaim) -> None:
        try:
            mistakes = self.judge.mistakes(claim.pair, [])
        except CannotEvaluate:
            return
        self.read_by["A"] += 1
        for mistake in mistakes:
            reason = f"{claim.says} gives {mistake.expected}, but {mistake.printed} is printed"
            finding = DocumentFinding(claim.line, mistake.printed, mistake.expected, reason, "A")
            self.findings.append(finding)


def _are_exchanged(wrong: Sequence[tuple[Literal, float]]) -> bool:
    """Whether numbers are those that they should be, in another order."""
    ours, theirs = sorted(n.value for n, _ in wrong), sorted(value for _, value in wrong)
    unit = max(number.unit for number, _ in wrong)
    return len(wrong) > 1 and all(abs(a - b) <= unit for a, b in zip(ours, theirs, strict=True))


def _said(chains: Sequence[Chain]) -> Iterator[tuple[str | None, Tree]]:
    """Yield what a document says of which quantities; of what has no name, None."""
    for chain in chains:
        first = chain.sides[0].tree
        key = key_of(first) if first is not None else None
        yield from ((None, side.tree) for side in chain.sides[:1] if side.tree is not None)
        formulas = (s.tree for s in chain.sides[1:] if s.tree is not None)
        yield from ((key, tree) for tree in formulas if not is_numeric(tree) and not key_of(tree))


def _is_arithmetic(tree: Tree) -> bool:
    return is_numeric(tree) and not is_bare(tree)


def _takes_bias_off(formula: Tree) -> bool:
    """Whether a formula subtracts a bias, as no layer does: it is likelier wrong than a number."""
    bodies = (part.body for part in inside(formula) if isinstance(part, Negative))
    return any(isinstance(body, Symbol) and body.base.startswith("b") for body in bodies)


def _is_near(bounds: Range, number: Literal) -> bool:
    return abs(float(bounds.middle) - number.value) <= NEAR * abs(number.value)


def _has_digits(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def _tells(right: Tree) -> bool:
    """Whether a value has so many digits that no other formula gives them by chance."""
    digits = [number.significant for number in literals(right)]
    return (sum(digits) if is_bare(right) else max(digits, default=0)) >= TELLING


def _corrections(mistakes: Sequence[EquationMistake]) -> Iterator[tuple[str, Literal]]:
    for mistake in mistakes:
        try:
            yield mistake.printed, literal(mistake.expected)
        except (Unreadable, ValueError):
            continue  # no number alone
