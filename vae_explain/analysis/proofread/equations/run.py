"""One reading of a document: its equations judged in order, and remembered for the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from ....quick_classes import dataclass
from ..arithmetic.alike import are_others
from ..arithmetic.evaluation import CannotEvaluate, evaluate, half, nothing
from ..arithmetic.findings import FORMULA, DocumentFinding, Doubt, Layer
from ..arithmetic.intervals import all_meet
from ..arithmetic.known import Known, as_text
from ..arithmetic.output_sizes import as_sizes, rounds_down
from ..arithmetic.seen import Seen
from ..arithmetic.sides import SLIP, ComparedSides
from ..blame.backward import Backward
from ..blame.blame import Blame
from ..blame.claims import ColumnClaim, by_number
from ..blame.restated import Restated
from ..blame.stated_formulas import StatedFormulas, is_near
from ..grammar.cursor import literal
from ..grammar.syntax import (
    Literal,
    Tree,
    is_arithmetic,
    is_bare,
    is_numeric,
    key_of,
    literals,
    replaced,
    shown,
    substituted,
)
from ..grammar.updates import is_step
from ..statements.chains import Chain
from ..statements.scope import Scope, counted_from_zero
from ..statements.sides import Side
from ..statements.totals import is_of_loss
from ..statements.usual import adds_twice, is_of_example, multiples

MOST_FINDINGS = 2_000  # of one document, which nobody reads; what follows is not judged
NATURAL = re.compile(r"(?<![a-zA-Z])ln(?![a-z])")
ARITHMETIC = re.compile(r"\b(?=\w*\d)\w+[)}\s]*(?:[*/·×]|\\times|\\cdot)|\\frac\s*\{\s*\d")
MOST_EARLIER = 8  # sides of an equation that may bear out a result further on


@dataclass(frozen=True)
class _About:
    """What holds of all pairs of an equation, looked up once.

    Attributes
    ----------
    single
        Whether it has two sides.
    named
        Whether every side but the last is a name.
    behind_unread
        The identities of the sides that stand behind arithmetic which could not be read.
    """

    single: bool
    named: bool
    behind_unread: frozenset[int]

    @classmethod
    def of(cls, chain: Chain) -> _About:
        named = all(side.tree is not None and key_of(side.tree) for side in chain.sides[:-1])
        unread = [side.tree is None and ARITHMETIC.search(side.text) for side in chain.sides]
        first = next((place for place, found in enumerate(unread) if found), len(unread))
        behind = frozenset(id(side) for side in chain.sides[first + 1 :])
        return cls(len(chain.sides) == 2, bool(named), behind)


class EquationReader:
    """One reading of a document from its first equation to its last.

    Attributes
    ----------
    changed
        Values to take for those that are stated, by line and name: a hypothesis.
    others
        The numbers of the text, in equations or not.
    known
        What the document has shown of the numbers that it prints.
    blame
        What is wrong, and what may be.
    stated
        Every value of a quantity, and where.
    unread
        Equations in numbers of which a side could not be read or computed.
    left_out
        Equations behind as many findings as are looked for.
    """

    def __init__(
        self,
        changed: Mapping[tuple[int, str], Tree] = MappingProxyType({}),
        put_in: dict[str, Literal | None] | None = None,
        others: Sequence[Literal] = (),
        rounded: bool = False,
    ) -> None:
        self.changed = changed
        self.known = Known(rounded)
        self.scope = Scope()
        self.blame = Blame(self.scope, self.known, put_in or {}, supposes=bool(changed))
        self.backward = Backward(self.scope)
        self.restated = Restated(self.scope, self.known)
        self.stated: dict[str, dict[Tree, int]] = {}
        self.formulas = StatedFormulas(self.scope, self.known, self.blame)
        self.results: dict[Tree, Tree] = {}  # of formulas that are called nothing
        self.unread = 0
        self.left_out = 0
        self.others = others
        self.rounds_down = False  # whether sizes are, in a formula of the document

    @property
    def findings(self) -> list[DocumentFinding]:
        """What is wrong, in the order of the document."""
        return list(dict.fromkeys(sorted(self.blame.findings, key=lambda f: f.line)))

    @property
    def read_by_layer(self) -> Mapping[Layer, int]:
        """How many pairs of sides could be held together."""
        return {layer: self.blame.read_by[layer] for layer in ("A", "B", "C")}

    def read(self, chains: Sequence[Chain], claims: Sequence[ColumnClaim]) -> None:
        """Judge what the columns of tables say, then equations in order."""
        trees = [s.tree for chain in chains for s in chain.sides if s.tree is not None]
        self.scope.zero_based = counted_from_zero(trees)
        self.rounds_down = rounds_down(trees)
        self.blame.seen = self.blame.put_in.seen = Seen(
            [*trees, *(side for claim in claims for side in claim.pair[:2])], self.others
        )
        self.blame.claims = by_number(claims)
        self.formulas.multiples = multiples(_said(chains))
        self.formulas.of_deviation = adds_twice("logσ²", trees)
        results = set(_results(chains))
        behind: list[ColumnClaim] = []  # of what cells tell of by arithmetic of their own
        for claim in claims:
            if results and any((n.line, n.text) in results for n in claim.numbers):
                behind.append(claim)
            else:
                self.blame.claim(claim)
        for place, chain in enumerate(chains):
            if len(self.blame.findings) >= MOST_FINDINGS:
                self.left_out = len(chains) - place
                break
            self._chain(chain)
        for claim in behind:
            self.blame.claim(claim)
        self._settle_gradients()
        self._settle_restated()

    # --- one equation ---

    def _chain(self, chain: Chain) -> None:
        if self.changed:
            chain = self._supposed(chain)
        chain = self.formulas.errors(chain)
        at = self._begins(chain)
        for part in (chain.sides[:at], chain.sides[at:]) if at else (chain.sides,):
            if len(part) > 1:
                self._equation(replace(chain, sides=part))

    def _supposed(self, chain: Chain) -> Chain:
        """Return an equation that ends in the value which is taken for the one that is stated."""
        *sides, last = chain.sides
        for side in sides if last.tree is not None and is_bare(last.tree) else ():
            key = key_of(side.tree) if side.tree is not None else None
            value = self.changed.get((last.line, key)) if key is not None else None
            if value is not None:
                return replace(chain, sides=(*sides, last._replace(tree=value)))
        return chain

    def _begins(self, chain: Chain) -> int:
        """Return how many sides state where a formula is evaluated, before its own equation begins.

        `x = 2 = 12 + 8 − 1 = 19` is 19 at x = 2.
        """
        named = key_of(chain.sides[0].tree) is not None if chain.sides[0].tree else False
        trees = [side.tree for side in chain.sides[named:]]
        first, last = trees[0], trees[-1]
        if len(trees) < 3 or not isinstance(first, Literal) or not first.whole:
            return 0
        if trees[1] is None or not is_arithmetic(trees[1]) or not isinstance(last, Literal):
            return 0
        try:
            bounds = evaluate(trees[1])
        except CannotEvaluate:
            return 0
        if not all_meet(bounds, half(last)) or is_near(bounds, first):
            return 0
        return 1 + named

    def _equation(self, chain: Chain) -> None:
        name = chain.sides[0].tree
        self.scope.resume(chain.sides[0].line)
        defines = name is not None and key_of(name) is not None
        trees = (side.tree for side in chain.sides if side.tree is not None)
        written_out = next(filter(is_arithmetic, trees), None)
        if written_out is not None:
            self.restated.put_in(written_out, chain.sides[0].line)
        sides = [side for side in chain.sides[defines:] if side.tree is not None]
        self.blame.begin(name, sides[-1].tree if sides else None)
        judged = self.blame.read_by.total()
        about = _About.of(chain)
        for position, side in enumerate(sides):
            if position:
                near = sides[max(0, position - MOST_EARLIER - 1) : position + 1]
                self._pair(about, near)
            elif not defines or name is None:
                continue
            elif len(chain.sides) > 2 or not self._is_chosen_again(name, side.tree):
                self.formulas.hold(chain, name, side)
        if defines and name is not None and len(sides) > 1 and sides[-1].tree is not None:
            written = sides[0].tree is not None and is_numeric(sides[0].tree)
            if written and is_bare(sides[-1].tree) and not self.blame.right:
                self.formulas.hold(chain, name, sides[-1], SLIP)
        if name is not None and sides:
            self.backward.hold(name, sides[-1])
        unread = any(s.tree is None and _has_digits(s.text) for s in chain.sides[1:])
        self.unread += unread or (self.blame.unknown and self.blame.read_by.total() == judged)
        self._remember(chain)

    def _is_chosen_again(self, name: Tree, value: Tree | None) -> bool:
        """Whether a quantity that had several values is said to have one of them once more."""
        values = self.stated.get(key_of(name) or "", {})
        return len(values) > 1 and value in values

    def _pair(self, about: _About, sides: Sequence[Side]) -> None:
        """Hold a side against the nearest before it that can be evaluated."""
        *before, right = sides
        earlier = [s.tree for s in before[-1 - MOST_EARLIER : -1] if s.tree is not None]
        left = before[-1]
        assert right.tree is not None, "only what was read is compared"
        if left.tree is not None and are_others(left.tree, right.tree):
            # Two numbers with nothing to do with each other, unless both are said to be a result.
            made = [s for s in before if s.tree is not None and is_arithmetic(s.tree)]
            if not made:
                return
            left, earlier = made[-1], []
        assert left.tree is not None, "likewise"
        if self._is_chosen_again(left.tree, right.tree):
            return
        if self.formulas.is_of_another(left.tree, right.tree, about.single, about.named):
            self.scope.forget(left.tree)
            return
        earlier += self._with_results(left.tree)
        layer: Layer = "A" if is_numeric(left.tree) and is_numeric(right.tree) else "B"
        lookup = nothing if layer == "A" else self.scope.lookup
        natural = NATURAL.search(left.text) is not None
        unread = id(left) in about.behind_unread
        pair = ComparedSides(left.tree, right.tree, lookup, natural=natural, unread=unread)
        pair = as_sizes(pair, self.rounds_down)
        if layer == "A" or not self._is_of_a_case(pair):
            self.blame.hold(pair, left, right, layer, earlier)

    def _is_of_a_case(self, pair: ComparedSides) -> bool:
        """Whether a side goes on with a case that was made before: `a step of 1, when λ = 20`."""
        cases = self.scope.cases_of(pair.left)
        if not cases or pair.agree():
            return False
        with ExitStack() as supposed:
            for key, value in cases:
                supposed.enter_context(self.scope.supposing(key, value))
            return pair.agree()

    def _with_results(self, formula: Tree) -> list[Tree]:
        """Return a formula with what its parts are said to come to, as `QKᵀ` in `QKᵀ/√d`."""
        other = substituted(formula, self.results.get) if self.results else formula
        return [] if other == formula or is_bare(other) else [other]

    def _remember(self, chain: Chain) -> None:
        """Take what an equation states into the scope."""
        names = [s.tree for s in chain.sides if s.tree is not None and key_of(s.tree) is not None]
        first = chain.sides[0].tree
        if first is not None and not is_numeric(first) and key_of(first) is None:
            self.results.update((first, value) for value in chain.values[-1:])
        if not names or first is not names[0]:
            return
        last = chain.sides[-1]
        formulas = [self.formulas.meant(names[0], formula, last.line) for formula in chain.formulas]
        if formulas and not is_of_example(formulas[0]):
            key = f"{FORMULA}{key_of(names[0])}"
            self.scope.say(names[0], self.changed.get((last.line, key), formulas[0]), last.line)
        values = chain.values
        aside = chain.case and values and isinstance(values[-1], Literal) and values[-1].whole
        if aside:
            self.scope.set_aside(names, values[-1], last.line)
        elif chain.lost or (not values and is_step(names[0], formulas)):
            self.scope.lose(names[0], last.line)
        elif not values:
            self._forget(names[0], chain)
        else:
            if len(chain.sides) == 2 and not is_of_loss(key_of(names[0]) or ""):
                self.known.stated |= {n.text.lstrip("+-") for n in literals(values[0])}
            for name in names:
                key = key_of(name) or ""
                value = self.changed.get((last.line, key), values[-1])
                meant = self._as_right(value)
                if meant != value:
                    self.blame.results.append((last.line, key, meant))
                plain = len(chain.sides) == 2
                before = self.restated.state(name, value, last.line) if plain else None
                self.scope.state(name, value, last.line, before or self.blame.right)
                self.stated.setdefault(key, {})[value] = last.line

    def _forget(self, name: Tree, chain: Chain) -> None:
        """Know nothing of a quantity that comes to another number, which could not be read."""
        made = [s.tree for s in chain.sides if s.tree is not None and is_arithmetic(s.tree)]
        stated = self.scope.lookup(name, half)
        if stated is None or chain.sides[-1].tree is not None:
            return
        for tree in made:
            try:
                if not all_meet(evaluate(tree), stated):
                    self.scope.forget(name)
            except (CannotEvaluate, ValueError):
                continue

    def _as_right(self, value: Tree) -> Tree:
        """Return the value of the equation at hand as it should be."""
        right = self.blame.right
        numbers = literals(value)
        if right is None or right.low.size != len(numbers):
            return value
        if isinstance(value, Literal) and np.ndim(right.low):
            return value  # what comes to a list is no number, though a number is stated
        for place, (number, meant) in enumerate(zip(numbers, right.middle.ravel(), strict=True)):
            if abs(float(meant) - number.value) > number.unit:
                value = replaced(value, place, literal(as_text(float(meant), number), number.line))
        return value

    def _settle_gradients(self) -> None:
        if not self.backward.is_understood:
            wrong = [checked for checked in self.backward.found if checked.mistakes]
            self.blame.given_up += len(wrong)
            for key, stated in self.scope.values.items() if wrong else ():
                doubt = Doubt(stated.line, key, stated.tree, None, None, (), unknown=True)
                self.blame.doubts.append(doubt)
            return
        known = {(finding.line, finding.printed) for finding in self.blame.findings}
        for name, side, mistakes in self.backward.found:
            self.blame.read_by["C"] += 1
            left = Side(None, f"the backward pass to {shown(name)}", side.line)
            new = [m for m in mistakes if (side.line, m.printed) not in known]
            self.blame.numbers(new, left, side, "C")

    def _settle_restated(self) -> None:
        known = {(finding.line, finding.printed) for finding in self.blame.findings}
        for again, mistake in self.restated.mistakes(self.blame.borne_out):
            line = again.number.line or again.line
            if (line, mistake.printed) in known:
                continue
            if again.first is not None and not again.certain:
                self.blame.doubts.append(Doubt(*again.first, None, (), again=again.line))
            expected, printed = mistake.expected, mistake.printed
            reason = f"{again.key} is stated as {expected} too, but {printed} is printed"
            self.blame.findings.append(DocumentFinding(line, printed, expected, reason, "B"))


def _said(chains: Sequence[Chain]) -> Iterator[tuple[str | None, Tree]]:
    """Yield what a document says of which quantities; of what has no name, None."""
    for chain in chains:
        first = chain.sides[0].tree
        key = key_of(first) if first is not None else None
        if first is not None:
            yield None, first
        yield from ((key, formula) for formula in chain.formulas)


def _results(chains: Sequence[Chain]) -> Iterator[tuple[int, str]]:
    """Yield the numbers that arithmetic comes to, by line and digits."""
    for chain in chains:
        for before, side in pairwise(side.tree for side in chain.sides):
            if before is not None and isinstance(side, Literal) and is_arithmetic(before):
                yield side.line, side.text


def _has_digits(text: str) -> bool:
    return any(sign.isdecimal() for sign in text)
