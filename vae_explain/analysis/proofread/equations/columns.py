"""Tables that say how a column is made: by its heading, or by arithmetic in the cells before it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from ....quick_classes import NamedTuple
from ..passage import Fragment, Passage, plain
from .chains import chains
from .cursor import Unreadable
from .damages import damages, one_digit_apart
from .evaluation import CannotEvaluate, Leaf, as_rounded, evaluate, half
from .intervals import Range, all_meet, hull
from .judging import ComparedSides
from .known import as_text
from .parser import parse
from .reader import cut
from .syntax import Literal, Power, Sum, Tree, is_bare, is_numeric, key_of, quantities

WORDS = (
    (re.compile(r"(?i)^\W*(?:squared?|square of it)\W*$"), "squared"),
    (re.compile(r"(?i)^\W*(?:row )?(?:sum|total)\W*$"), "sum"),
)
PLUS = re.compile(r"^\W*\+\s*\w")  # the heading of the last of several summands
PART = re.compile(r"(?i)\b(?:by|from|through|via)\b")  # that of a part of what stands before it
BY_CHANCE = 2  # rows in which one number may be the sum of others without being meant so
COUNTS = re.compile(r"(?i)^\W*(?:[ijkn#]|row|step|unit|dim\w*|index|no\.?|)\W*$")


class ColumnClaim(NamedTuple):
    """A number in a table, and what its column says that it is.

    Attributes
    ----------
    needed
        How many numbers of the column must be so before it is believed of the others, where
        no heading says it.
    instead
        A number that it follows from and that is wrong, and what it should be.
    sound
        The numbers, by identity, that others bear out, so that they are not to blame.
    """

    pair: ComparedSides
    says: str
    line: int
    needed: int = 0
    instead: tuple[Literal, Literal] | None = None
    sound: Collection[int] = ()

    @property
    def is_of_zeros(self) -> bool:
        """Whether a number is 0, or all but one of those that it is the sum of."""
        left, number = self.pair.left, self.pair.right
        terms = left.terms if isinstance(left, Sum) else ()
        zeros = sum(isinstance(term, Literal) and not term.value for term in terms)
        return (isinstance(number, Literal) and not number.value) or 0 < len(terms) <= zeros + 1


class _Cell(NamedTuple):
    """What a cell holds: its arithmetic, and the number that it comes to, where it is written."""

    tree: Tree
    number: Literal | None
    line: int


def column_claims(passage: Passage) -> Iterator[ColumnClaim]:
    """Yield what the columns of a table say of its numbers, where most of them bear it out."""
    header, *body = passage.rows
    rows = [[cell_of(pieces) for pieces in row] for row in body]
    first = int(_counts(rows))
    for column, head in enumerate(header):
        if _is_claim(head):
            yield from believed(list(_claims(header, head, column, rows)))
        for terms in _terms(header, column, first):
            yield from believed(list(_sums(header, terms, column, rows)))


def believed(claims: Sequence[ColumnClaim]) -> Sequence[ColumnClaim]:
    """Return claims if most of them hold, or half of those of a heading, and so many as needed.

    Zeros hold by chance, as where a unit is off.
    """
    needed = max((claim.needed for claim in claims), default=0)
    telling = [claim for claim in claims if not (needed and claim.is_of_zeros)]
    right = sum(map(_holds, telling))
    return claims if right >= needed and 2 * right + (not needed) > len(telling) else ()


def _is_claim(head: Sequence[Fragment]) -> bool:
    text = plain(head)
    return any(p.search(text) for p, _ in WORDS) or any(sign in text for sign in "+-−*·/^²\\")


def _claims(
    header: Sequence[Sequence[Fragment]],
    head: Sequence[Fragment],
    column: int,
    rows: Sequence[Sequence[_Cell | None]],
) -> Iterator[ColumnClaim]:
    made = _made(header, head, column)
    if made is None:
        return
    tree, used = made
    says = f"the column {plain(head)}"
    for row in rows:
        *cells, result = _cells(row, [*used, column])
        known = [cell for cell in cells if cell is not None and cell.number is not None]
        if result is None or result.number is None or not known:
            continue
        if isinstance(tree, str):
            formula = _of_words(tree, [cell.number for cell in known if cell.number is not None])
            yield ColumnClaim(ComparedSides(formula, result.number), says, result.line)
            continue
        if len(known) < len(used):
            continue
        numbers = {key_of(formula_of(header[i])): e for i, e in zip(used, known, strict=True)}  # type: ignore[arg-type]  # only heads with a name are used
        pair = ComparedSides(tree, result.number, _looking_up(numbers))
        yield ColumnClaim(pair, says, result.line)


def _cells(row: Sequence[_Cell | None], places: Sequence[int]) -> list[_Cell | None]:
    return [row[i] if i < len(row) else None for i in places]


def _counts(rows: Sequence[Sequence[_Cell | None]]) -> bool:
    """Whether the first column of a table counts its rows, or says what they are."""
    firsts = [row[0].tree for row in rows if row and row[0] is not None]
    return all(isinstance(first, Literal) and first.whole for first in firsts)


def _terms(header: Sequence[Sequence[Fragment]], column: int, first: int) -> Iterator[range]:
    """Yield which columns may add up to another: those before it, or those after it, its parts.

    Parameters
    ----------
    first
        The first column that is no count of the rows.
    """
    words = list(map(plain, header))
    if column > first and not PLUS.match(words[column]):
        yield range(first if PLUS.match(words[column - 1]) else column - 1, column)
    is_part = [PART.search(word) is not None for word in words]
    if all(is_part[column + 1 :]) and not is_part[column] and len(words) > column + 2:
        yield range(column + 1, len(words))


def _sums(
    header: Sequence[Sequence[Fragment]],
    places: range,
    column: int,
    rows: Sequence[Sequence[_Cell | None]],
) -> Iterator[ColumnClaim]:
    """Yield the numbers of a column as the sum of others, which may still be arithmetic."""
    words = [plain(header[place]) for place in places]
    says = f"the sum of {words[0]} … {words[-1]}" if len(words) > 1 else f"the column {words[0]}"
    told = PLUS.match(words[-1]) is not None
    for row in rows:
        *terms, result = _cells(row, [*places, column])
        trees = [term.tree for term in terms if term is not None]
        if result is None or result.number is None or len(trees) < len(terms):
            continue
        formula = trees[0] if len(trees) == 1 else Sum(tuple(trees))
        alone = not told and all(map(is_bare, trees))
        if is_bare(result.tree) and not is_bare(formula) and not (alone and result.number.whole):
            needed = BY_CHANCE + 1 if alone else 1
            yield ColumnClaim(ComparedSides(formula, result.number), says, result.line, needed)


def _looking_up(numbers: dict[str | None, _Cell]):  # type: ignore[no-untyped-def]
    def lookup(tree: Tree, leaf: Leaf) -> Range | None:
        cell = numbers.get(key_of(tree))
        if cell is None or cell.number is None:
            return None
        if is_bare(cell.tree):
            return evaluate(cell.number, leaf)
        return hull([evaluate(cell.number, leaf), evaluate(cell.tree, leaf)])

    return lookup


def _made(
    header: Sequence[Sequence[Fragment]], head: Sequence[Fragment], column: int
) -> tuple[Tree | str, list[int]] | None:
    """Return how a column is made, and of which others."""
    for pattern, word in WORDS:
        if column and pattern.search(plain(head)):
            counted = COUNTS.search(plain(header[0])) is not None
            first = int(counted) if word == "sum" else column - 1
            return (word, list(range(first, column))) if first < column else None
    tree = formula_of(head)
    if tree is None or key_of(tree) is not None or is_numeric(tree):
        return None
    keys = {
        key_of(other): i for i, cell in enumerate(header) if (other := formula_of(cell)) is not None
    }
    keys.pop(None, None)
    names = {key for part in quantities(tree) if (key := key_of(part)) is not None}
    if not names or not names <= keys.keys() or column in (keys[name] for name in names):
        return None
    return tree, [keys[name] for name in sorted(names)]


def _of_words(word: str, numbers: Sequence[Literal]) -> Tree:
    if word == "squared":
        return Power(numbers[-1], Literal("2", 2.0, 0))
    return Sum(tuple(numbers)) if len(numbers) > 1 else numbers[0]


def formula_of(pieces: Sequence[Fragment]) -> Tree | None:
    """Read a heading as a formula; None when it is words."""
    tokens = [token for token in cut(pieces).tokens if token.kind != "gap"]
    try:
        tree, end = parse(tokens)
    except Unreadable:
        return None
    return tree if end == len(tokens) else None


def cell_of(pieces: Sequence[Fragment]) -> _Cell | None:
    all_chains = cut(pieces)
    tokens = [token for token in all_chains.tokens if token.kind != "gap"]
    if not tokens:
        return None
    equation = list(chains(tokens, all_chains.source))
    if len(equation) == 1 and isinstance(equation[0].sides[-1].tree, Literal):
        number = equation[0].sides[-1].tree
        before = equation[0].sides[-2].tree
        made = before is not None and is_numeric(before)
        return _Cell(before if made and before is not None else number, number, tokens[0].line)
    tree = formula_of(pieces)
    if tree is None or not is_numeric(tree):
        return None
    return _Cell(tree, tree if isinstance(tree, Literal) else None, tokens[0].line)


def is_right(claim: ColumnClaim, leaf: Leaf = as_rounded) -> bool:
    """Whether a claim holds, with what its numbers may be."""
    try:
        return all_meet(evaluate(claim.pair.left, leaf, claim.pair.lookup), half(_number(claim)))
    except CannotEvaluate:
        return False


def _number(claim: ColumnClaim) -> Literal:
    number = claim.pair.right
    assert isinstance(number, Literal), "a claim is of one number"
    return number


def _holds(claim: ColumnClaim) -> bool:
    """Whether a claim holds; one that needs no others to be believed, but for a damaged digit."""
    if is_right(claim):
        return True
    if claim.needed > 1:
        return False
    try:
        bounds = evaluate(claim.pair.left, as_rounded, claim.pair.lookup)
    except CannotEvaluate:
        return False
    number = _number(claim)
    if any(all_meet(bounds, half(meant)) for meant in damages(number)):
        return True
    return one_digit_apart(number.text, as_text(float(bounds.middle), number))
