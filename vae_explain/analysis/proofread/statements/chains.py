"""Equations found in a passage: `a = b ≈ c`, wherever they stand.

The sides of each clause are read by `sides.py`, and words between two numbers part a clause
into several equations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ....quick_classes import dataclass
from ..arithmetic.evaluation import CannotEvaluate, evaluate, half
from ..arithmetic.intervals import all_meet
from ..grammar.clauses import Clause, clauses_of, listed
from ..grammar.cursor import literal
from ..grammar.habits import (
    CASES,
    GIVEN,
    is_said_wrong,
    leaves_remainder,
    multiples_of_unit,
)
from ..grammar.parser import COUNTS, SCALES
from ..grammar.syntax import Literal, Row, Tree, is_bare, is_numeric, key_of
from ..grammar.tokens import MathToken
from .sides import NEAR, Side, SideReader
from .unpacked import each, is_name, unpacked

TO = ("→", "->", "\\to", "\\rightarrow", "⟶")  # from a value to the next


@dataclass(frozen=True)
class Chain:
    """Sides that are said to be equal, in order.

    Attributes
    ----------
    continues
        Whether it begins with a sign of equality, and so goes on with what stands before it.
    case
        Whether words make a case of it, as in `zero only for μ = 0 and σ = 1`.
    too_deep
        Whether a side has more brackets in brackets than are read.
    given
        Whether words say that it is given, and does not follow from what stands before.
    comment
        Whether it begins a comment in code, which goes on with its own line alone.
    lost
        Whether what it states has lost a number, so that nothing is known of it.
    """

    sides: tuple[Side, ...]
    continues: bool = False
    case: bool = False
    too_deep: bool = False
    given: bool = False
    comment: bool = False
    lost: bool = False

    @property
    def formulas(self) -> list[Tree]:
        """What it says that its first side is made of, if that is a name."""
        trees = [side.tree for side in self.sides[1:] if side.tree is not None]
        return [tree for tree in trees if not is_numeric(tree) and key_of(tree) is None]

    @property
    def values(self) -> list[Tree]:
        """The numbers and lists of numbers behind its first side."""
        trees = [side.tree for side in self.sides[1:] if side.tree is not None]
        return [tree for tree in trees if is_bare(tree)]


def chains(tokens: Sequence[MathToken], source: str) -> Iterator[Chain]:
    """Yield the equations of a passage.

    Parameters
    ----------
    source
        The text that the tokens were cut from, which their places refer to.
    """
    clauses = list(clauses_of(tokens))
    for position, clause in enumerate(clauses):
        if len(clause.sides) < 2:
            continue
        start, end = clause.sides[0][0], clause.sides[-1][0]
        if is_said_wrong(source, tokens[start].start, tokens[end - 1].end):
            continue
        if start and tokens[start - 1].text == "\\lim":
            continue  # its value is that of no number put in
        if _is_of_shapes(tokens[start : clause.sides[-1][1]]):
            continue
        if _is_of_ratios(tokens, start, clause.sides[-1][1]):
            continue
        before = clauses[position - 1] if position else None
        if before is not None and before.ended_by != "comma":
            before = None
        in_list = before is not None and len(before.sides) > 1
        further = listed(clauses, position) if clause.ended_by == "comma" else []
        if further and before is not None and is_name(tokens, before):
            yield from map(Chain, unpacked(SideReader(tokens, source), clauses, position, further))
            continue
        for chain in _Reader(tokens, source, clause).chains(in_list, further):
            pairs = list(each(chain.sides))
            yield from (replace(chain, sides=pair) for pair in pairs) if pairs else (chain,)


def _is_annotation(tokens: Sequence[MathToken], start: int, end: int) -> bool:
    """Whether a side is the type of the name before it in code: `mean: float = 0.5`."""
    if start < 2 or end - start != 1 or tokens[start].mode != "code":
        return False
    return tokens[start - 1].text == ":" and all(
        tokens[at].kind == "name" for at in (start - 2, start)
    )


def _is_of_shapes(tokens: Sequence[MathToken]) -> bool:
    """Whether code has a shape of one axis in it, as in `(2, 3) + (3,) = (2, 3)`."""
    texts = [token.text for token in tokens if token.mode == "code"]
    pairs = zip(texts, texts[2:], texts[3:], strict=False)
    return any(
        opening == "(" and (comma, closing) == (",", ")") for opening, comma, closing in pairs
    )


def _is_of_ratios(tokens: Sequence[MathToken], start: int, end: int) -> bool:
    """Whether what stands between two colons is the middle of `1 : 2 = 3 : 6`."""
    beside = tokens[max(0, start - 1)], tokens[min(end, len(tokens) - 1)]
    return all(token.text == ":" and token.mode == "math" for token in beside)


def alone(tokens: Sequence[MathToken], source: str) -> Iterator[Side]:
    """Yield the formulas of a passage that stand beside no sign of equality."""
    for clause in clauses_of(tokens):
        if len(clause.sides) == 1:
            yield _Reader(tokens, source, clause).alone()


class _Reader:
    """Reads the sides of one clause."""

    def __init__(self, tokens: Sequence[MathToken], source: str, clause: Clause) -> None:
        self.tokens, self.clause = tokens, clause
        self.read = SideReader(tokens, source)
        self.is_case = self.is_given = self.comment = False

    def chains(self, in_list: bool, further: Sequence[tuple[int, int]]) -> Iterator[Chain]:
        """Yield the clause's equations; words between two numbers part it into several."""
        (start, end), *rest = self.clause.sides
        annotated = _is_annotation(self.tokens, start, end)
        first = self.read.left(*((start - 2, start - 1) if annotated else (start, end)))
        if _counts(first.tree):
            first = first._replace(tree=None)  # `[2] = 1.09` is of the third element
        if in_list and first.tree is not None and is_bare(first.tree):
            first = first._replace(tree=None)  # `b = 0.4, 60 = 1.1` says who knows what
        label = self.read.text(max(start, end - NEAR), end)
        before = self.read.text(max(0, start - 12), start)
        words = f"{before} {label}".lower().replace("*", "").split()
        self.is_case = not CASES.isdisjoint(words)
        self.is_given = not GIVEN.isdisjoint(words)
        sides, continues = [first], start == end
        self.comment = start > 0 and self.tokens[start - 1].text == "#"
        for position, (start, end) in enumerate(rest):
            self.is_given = self.is_given or self.tokens[min(start, end - 1)].text == "array"
            side, stopped = self.read.right(start, end)
            if stopped < end and position + 1 < len(rest):
                side, stopped = self.read.with_factor(side, start, stopped, end, rest[position + 1])
            sides.append(side)
            if stopped < end and position + 1 < len(rest):
                yield self._chain(sides, continues, stopped)
                sides, continues = [self.read.left(stopped, end)], False
                label = self.read.text(stopped, end)
                self.is_case = self.is_case or not CASES.isdisjoint(label.lower().split())
        if further and stopped == end:
            sides[-1] = self.read.with_further(sides[-1], further)
        yield replace(self._chain(sides, continues, stopped), lost=self._becomes_another(end))

    def _becomes_another(self, end: int) -> bool:
        """Whether what is stated is another number at once: `w = 0.4 → 0.35`."""
        arrow, number, *after = [*self.tokens[end : end + 3], None, None]
        if arrow is None or number is None or arrow.text not in TO or number.kind != "number":
            return False
        return after[0] is None or after[0].kind in (
            "stop",
            "comma",
            "line",
            "gap",
            "close",
            "name",
        )

    def alone(self) -> Side:
        """Return the formula that a clause ends in."""
        return self.read.left(*self.clause.sides[0])

    def _chain(self, sides: Sequence[Side], continues: bool, end: int) -> Chain:
        if len(sides) > 1:
            after = self.read.after(end)
            last = _in_scale_of(sides[-2], sides[-1], after)
            last = _in_unit_of(sides[-2], last, multiples_of_unit(after))
            if leaves_remainder(after):
                last = last._replace(tree=None)
            sides = [*sides[:-1], last]
            first, second = (_in_percent_of(*pair) for pair in (sides[1::-1], sides[:2]))
            sides = [first, second, *sides[2:]]
        return Chain(
            tuple(sides), continues, self.is_case, self.read.too_deep, self.is_given, self.comment
        )


def _in_scale_of(before: Side, side: Side, after: str) -> Side:
    """Return a side without the scale that its terms have too: `6 + 3 = 9 million`."""
    if not isinstance(side.tree, Literal):
        return side
    scaled = side.text.split()[-1] in SCALES or COUNTS.match(after.lstrip()) is not None
    if not scaled or before.tree is None or not SCALES.keys().isdisjoint(before.text.split()):
        return side
    plain = literal(side.tree.text.partition("e")[0], side.tree.line)
    try:
        value = abs(float(evaluate(before.tree).middle))
    except (CannotEvaluate, TypeError):
        return side
    nearer = value * value < abs(plain.value * side.tree.value)
    return side._replace(tree=plain) if nearer else side


def _in_unit_of(before: Side, side: Side, multiples: Sequence[float]) -> Side:
    """Return a side in the unit of the one before: `1/8000 = 0.125 ms` is of seconds."""
    if not isinstance(side.tree, Literal) or before.tree is None:
        return side
    if "e" in side.tree.text.lower():
        return side
    for multiple in multiples:
        tenfold = literal(f"{side.tree.text}e{round(math.log10(multiple))}", side.tree.line)
        value, by = side.tree.value * multiple, side.tree.unit / 2 * multiple
        number = replace(tenfold, value=value, tolerance=by)
        if (found := _if_equal(before.tree, side, number)).tree is number:
            return found
    return side


def _in_percent_of(other: Side, side: Side) -> Side:
    """Return a side as the other counts, in hundredths: `(50 + 48)/2 = 49%`."""
    if other.tree is None or not isinstance(side.tree, Literal) or "%" in other.text:
        return side
    if not side.tree.text.endswith("%"):
        return side
    return _if_equal(other.tree, side, literal(side.tree.text.rstrip("%"), side.tree.line))


def _if_equal(other: Tree, side: Side, number: Literal) -> Side:
    """Return a side with another number, where the other side comes to that."""
    try:
        found = evaluate(other)
    except CannotEvaluate:
        return side
    return side._replace(tree=number) if all_meet(found, half(number)) else side


def _counts(tree: Tree | None) -> bool:
    """Whether a side is the number of an element in brackets."""
    if not isinstance(tree, Row) or len(tree.entries) != 1:
        return False
    (entry,) = tree.entries
    return isinstance(entry, Literal) and entry.whole


def joined(unjoined: Sequence[Chain]) -> Iterator[Chain]:
    """Yield chains, one that goes on with the one before as one with it.

    An author who has come to a number goes on from it in words; only a formula goes on.
    """
    before: Chain | None = None
    for chain in unjoined:
        if before is not None and _goes_on(chain, before):
            sides = (*before.sides, *chain.sides[1:])
            before = replace(before, sides=sides, too_deep=before.too_deep or chain.too_deep)
            continue
        if before is not None:
            yield before
        before = chain
    if before is not None:
        yield before


def _goes_on(chain: Chain, before: Chain) -> bool:
    elsewhere = chain.comment and chain.sides[0].line != before.sides[-1].line
    return chain.continues and not elsewhere and _is_open(before.sides[-1])


def _is_open(side: Side) -> bool:
    return side.tree is None or not is_bare(side.tree) or key_of(side.tree) is not None
