"""A document's equations, in order: judged, and remembered for those that follow."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Literal as Choice
from typing import NamedTuple

from ..reading.markdown import Passage, Piece
from .chains import Chain, Side, joined
from .columns import column_claims
from .evaluation import Unknown, as_printed, evaluate, nothing
from .intervals import Range
from .judging import Judge, Known, Mistake, Pair
from .reader import chains_of
from .scope import Scope
from .syntax import Literal, Name, Tree, is_bare, is_numeric, key_of, leaves, literals
from .tokens import has_decimal_commas, with_points

MOST_EARLIER = 8  # sides of an equation that may bear out a result further on
MOST_EQUATIONS = 20_000  # of one document: a book of them, and some seconds
LONGEST = 200_000  # characters of one passage: a matrix of some ten thousand numbers
LIKE = 0.1  # of a number, by which another may differ that is said to be the same
Layer = Choice["A", "B", "C"]


class Finding(NamedTuple):
    """Something that is wrong in a document.

    Attributes
    ----------
    layer
        How deep it had to be read: A the arithmetic of one equation, B what the document
        states elsewhere, C the whole network.
    """

    line: int
    printed: str
    expected: str
    reason: str
    layer: Layer


class Reading(NamedTuple):
    """What reading a document's equations gave.

    Attributes
    ----------
    read
        How many pairs of sides could be held against each other, by layer.
    equations
        How many equations it has, whether they could be judged or not.
    too_deep
        How many of them have brackets in brackets beyond what is read.
    names
        The quantities that they are of.
    left_out
        How many passages were too long, or came after as many equations as are read.
    """

    findings: tuple[Finding, ...]
    read: Mapping[Layer, int]
    equations: int
    too_deep: int
    names: tuple[str, ...]
    left_out: int = 0


def read_equations(passages: Sequence[Passage]) -> Reading:
    """Judge every equation of a document."""
    texts = (piece.text for passage in passages for piece in passage.all_pieces)
    if not has_decimal_commas(texts):
        return _Document().read(passages)
    found = _Document().read([_with_points(passage) for passage in passages])
    return found._replace(findings=tuple(_with_commas(finding) for finding in found.findings))


def _with_points(passage: Passage) -> Passage:
    def changed(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        return tuple(piece._replace(text=with_points(piece.text)) for piece in pieces)

    rows = tuple(tuple(changed(cell) for cell in row) for row in passage.rows)
    return passage._replace(pieces=changed(passage.pieces), rows=rows)


def _with_commas(finding: Finding) -> Finding:
    def changed(text: str) -> str:
        return re.sub(r"(?<=\d)\.(?=\d)", ",", text)

    printed, expected = changed(finding.printed), changed(finding.expected)
    return finding._replace(printed=printed, expected=expected, reason=changed(finding.reason))


class _Document:
    def __init__(self) -> None:
        self.known = Known()
        self.judge = Judge(self.known)
        self.scope = Scope()
        self.findings: list[Finding] = []
        self.read_by: Counter[Layer] = Counter()
        self.right: Range | None = None  # what the value of the equation at hand should be

    def read(self, passages: Sequence[Passage]) -> Reading:
        found: list[Chain] = []
        left_out = 0
        for passage in passages:
            left = MOST_EQUATIONS - len(found)
            if left and _size(passage) <= LONGEST:
                found += islice(chains_of(passage), left)
            if _size(passage) > LONGEST or len(found) == MOST_EQUATIONS:
                left_out += 1
        chains = list(joined(found))
        self.scope.zero_based = _counted_from_zero(chains)
        for chain in chains:
            self._chain(chain)
        for passage in passages:
            if passage.rows:
                self._table(passage)
        unique = dict.fromkeys(sorted(self.findings, key=lambda f: f.line))
        names = dict.fromkeys(key for c in chains for s in c.sides if (key := _name_of(s)))
        return Reading(
            tuple(unique),
            {layer: self.read_by[layer] for layer in ("A", "B", "C")},
            len(chains),
            sum(chain.too_deep for chain in chains),
            tuple(names),
            left_out,
        )

    # --- one equation ---

    def _chain(self, chain: Chain) -> None:
        name = chain.sides[0].tree
        defines = name is not None and key_of(name) is not None
        sides = [side for side in chain.sides[defines:] if side.tree is not None]
        self.right = None
        for position, side in enumerate(sides):
            if position:
                self._pair(chain, sides[max(0, position - MOST_EARLIER - 1) : position + 1])
            elif defines and name is not None and side.tree is not None:
                self._against_formula(chain, name, side)
        self._remember(chain)

    def _pair(self, chain: Chain, sides: Sequence[Side]) -> None:
        """Hold a side against the nearest before it that can be evaluated."""
        *before, right = sides
        earlier = [s.tree for s in before[-1 - MOST_EARLIER : -1] if s.tree is not None]
        left = before[-1]
        assert left.tree is not None, "only what was read is compared"
        assert right.tree is not None, "likewise"
        if is_bare(left.tree) and is_bare(right.tree) and not _alike(left.tree, right.tree):
            return
        layer: Layer = "A" if is_numeric(left.tree) and is_numeric(right.tree) else "B"
        lookup = nothing if layer == "A" else self.scope.lookup
        try:
            mistakes = self.judge.mistakes(Pair(left.tree, right.tree, lookup), False, earlier)
        except Unknown:
            return
        self.read_by[layer] += 1
        self._blame(mistakes, left, right, layer)
        if mistakes:
            self.right = evaluate(left.tree, as_printed, lookup)

    def _against_formula(self, chain: Chain, name: Tree, side: Side) -> None:
        """Hold a value against the formula that the document has for it."""
        found = self.scope.formula(name)
        if found is None or side.tree is None or not is_numeric(side.tree):
            return
        formula, place = found
        try:
            pair = Pair(formula, side.tree, self.scope.lookup, place)
            mistakes = self.judge.mistakes(pair, False, [])
        except Unknown:
            return
        self.read_by["B"] += 1
        key = key_of(name)
        self._blame(mistakes, Side(formula, f"the formula of {key}", side.line), side, "B")
        if mistakes:
            self.right = pair.found(as_printed)

    def _blame(self, mistakes: Sequence[Mistake], left: Side, right: Side, layer: Layer) -> None:
        for mistake in mistakes:
            printed = mistake.printed or right.text
            reason = f"{left.text} gives {mistake.expected}, but {printed} is printed"
            self.findings.append(Finding(right.line, printed, mistake.expected, reason, layer))

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
            for name in names[:1]:
                self.scope.say(name, formulas[0], last.line)
        values = [s.tree for s in chain.sides if s.tree is not None and is_bare(s.tree)]
        aside = chain.case and values and isinstance(values[-1], Literal) and values[-1].whole
        if values and not aside:
            if len(chain.sides) == 2:
                self.known.stated |= {n.text.lstrip("+-") for n in literals(values[0])}
            for name in names:
                self.scope.state(name, values[-1], last.line, self.right)

    # --- tables ---

    def _table(self, passage: Passage) -> None:
        for claim in column_claims(passage):
            try:
                mistakes = self.judge.mistakes(claim.pair, False, [])
            except Unknown:
                continue
            self.read_by["A"] += 1
            for mistake in mistakes:
                reason = f"{claim.says} gives {mistake.expected}, but {mistake.printed} is printed"
                found = Finding(claim.line, mistake.printed, mistake.expected, reason, "A")
                self.findings.append(found)


def _size(passage: Passage) -> int:
    """Return the characters of a passage; a table is read cell by cell."""
    cells = (sum(len(piece.text) for piece in cell) for row in passage.rows for cell in row)
    return max(sum(len(piece.text) for piece in passage.pieces), max(cells, default=0))


def _alike(left: Tree, right: Tree) -> bool:
    """Whether one number may be another with fewer digits, and no other that stands beside it."""
    numbers, others = literals(left), literals(right)
    return len(numbers) == len(others) and all(
        abs(a.value - b.value) <= max(LIKE * abs(a.value), a.unit, b.unit)
        for a, b in zip(numbers, others, strict=True)
    )


def _counted_from_zero(chains: Sequence[Chain]) -> set[str]:
    """Return the quantities whose elements the document counts from 0."""
    trees = (side.tree for chain in chains for side in chain.sides if side.tree is not None)
    names = (leaf for tree in trees for leaf in leaves(tree) if isinstance(leaf, Name))
    return {name.base for name in names if name.index == "0"}


def _name_of(side: Side) -> str | None:
    return side.text if isinstance(side.tree, Name) else None
