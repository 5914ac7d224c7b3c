"""Tables that say how a column is made: by its heading, or by arithmetic in the cells before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.evaluation import Leaf, evaluate
from ..arithmetic.intervals import Range, hull
from ..arithmetic.sides import ComparedSides
from ..blame.claims import ColumnClaim, believed, holds
from ..grammar.cursor import Unreadable
from ..grammar.parser import parse
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Power,
    Row,
    Sum,
    Tree,
    is_bare,
    is_numeric,
    key_of,
    quantities,
    substituted,
)
from ..grammar.variants import variants
from ..passage import Fragment, Passage, plain
from ..statements.chains import chains
from ..statements.reader import cut

WORDS = (
    (re.compile(r"(?i)^\W*(?:squared?|square of it)\W*$"), "squared"),
    (re.compile(r"(?i)^\W*(?:row )?(?:sum|total)\W*$"), "sum"),
)
# The heading of the last of several summands.
PLUS = re.compile(r"(?i)^\W*(?:\+\s*\w|(?:all\s+|the\s+)*(?:others|rest)\b)")
PART = re.compile(r"(?i)\b(?:by|from|through|via)\b")  # that of a part of what stands before it
BY_CHANCE = 2  # rows in which one number may be the sum of others without being meant so
OF_ALL = re.compile(r"(?i)^\W*(?:(?P<sum>sum|total|Σ)|mean|average|avg\.?)\W*$")  # of a row
COUNTS = re.compile(r"(?i)^\W*(?:[ijkn#]|row|step|unit|dim\w*|index|no\.?|)\W*$")


class ReadCell(NamedTuple):
    """What a cell holds: its arithmetic, and the number that it comes to, where it is written."""

    tree: Tree
    number: Literal | None
    line: int


class ReadTable(NamedTuple):
    """The headings of a table as they stand, and the cells of its rows as they are read.

    Attributes
    ----------
    last
        A last row that is said to be of all above it, which is none of them.
    of_all
        What it is said to be: `sum` or `mean`.
    """

    header: Sequence[Sequence[Fragment]]
    rows: Sequence[Sequence[ReadCell | None]]
    last: Sequence[ReadCell | None] = ()
    of_all: str = ""


def read_table(passage: Passage) -> ReadTable:
    """Read the cells of a table."""
    header, *body = passage.rows
    rows = [[_cell(pieces) for pieces in row] for row in body]
    said = OF_ALL.search(plain(body[-1][0])) if len(body) > 1 and body[-1] else None
    if said is None:
        return ReadTable(header, rows)
    return ReadTable(header, rows[:-1], rows[-1], "sum" if said["sum"] else "mean")


def column_claims(table: ReadTable) -> Iterator[ColumnClaim]:
    """Yield what the columns of a table say of its numbers, where most of them bear it out."""
    header, rows = table[:2]
    of_columns = list(_of_columns(table))
    held = sum(claim.pair.agree() for claim in of_columns)
    if held >= BY_CHANCE and 2 * held > len(of_columns):
        yield from of_columns
    first = int(_counts(rows))
    for column, head in enumerate(header):
        if _is_claim(head):
            made = _made(header, head, column)
            claims = list(_claims(head, column, rows, made)) if made else []
            yield from believed(claims)
            if made and claims and not any(map(holds, claims)):
                yield from _heading_meant(head, column, rows, made)
        for terms in _terms(header, column, first):
            yield from believed(list(_sums(header, terms, column, rows)))


def _of_columns(table: ReadTable) -> Iterator[ColumnClaim]:
    """Yield what a last row of sums or means says of the columns above it."""
    for column, result in enumerate(table.last):
        cells = [row[column] if column < len(row) else None for row in table.rows]
        numbers = [cell.number for cell in cells if cell is not None and cell.number is not None]
        if result is None or result.number is None or len(numbers) < len(table.rows):
            continue
        if not any(number.value for number in numbers):
            continue
        total: Tree = FunctionCall(table.of_all, (Row(tuple(numbers)),))
        says = f"the {table.of_all} of the column {plain(table.header[column])}"
        yield ColumnClaim(ComparedSides(total, result.number), says, result.line)


def _is_claim(head: Sequence[Fragment]) -> bool:
    text = plain(head)
    return any(p.search(text) for p, _ in WORDS) or any(sign in text for sign in "+-−*·/^²\\")


def _heading_meant(
    head: Sequence[Fragment], column: int, rows: Sequence[Sequence[ReadCell | None]], made: _Made
) -> Iterator[ColumnClaim]:
    """Yield what the heading of a column should be, if one sign or factor makes all of it right."""
    tree, used = made
    if isinstance(tree, str) or len(rows) < 2:
        return
    for other in variants(tree):
        if all(claim.pair.agree() for claim in _claims(head, column, rows, (other, used))):
            line = head[0].line if head else 0
            yield ColumnClaim(ComparedSides(tree, other), plain(head), line, meant=other)
            return


def _claims(
    head: Sequence[Fragment], column: int, rows: Sequence[Sequence[ReadCell | None]], made: _Made
) -> Iterator[ColumnClaim]:
    tree, used = made
    says = f"the column {plain(head)}"
    for row in rows:
        *cells, result = _cells(row, [*used, column])
        known = [cell for cell in cells if cell is not None and cell.number is not None]
        if result is None or result.number is None or not known:
            continue
        if isinstance(tree, str):
            total = _of_words(tree, [cell.number for cell in known if cell.number is not None])
            yield ColumnClaim(ComparedSides(total, result.number), says, result.line)
            continue
        if len(known) == len(used):
            numbers = dict(zip(used.values(), known, strict=True))
            formula = _put_in(tree, numbers)
            pair = ComparedSides(formula, result.number, _looking_up(numbers))
            yield ColumnClaim(pair, says, result.line)


def _put_in(tree: Tree, numbers: Mapping[str | None, ReadCell]) -> Tree:
    """Return a formula with the numbers of a row for the names of its columns."""

    def number_of(part: Tree) -> Tree | None:
        cell = numbers.get(key_of(part))
        return cell.number if cell is not None and is_bare(cell.tree) else None

    return substituted(tree, number_of)


def _cells(row: Sequence[ReadCell | None], places: Sequence[int]) -> list[ReadCell | None]:
    return [row[i] if i < len(row) else None for i in places]


def _counts(rows: Sequence[Sequence[ReadCell | None]]) -> bool:
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
    rows: Sequence[Sequence[ReadCell | None]],
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


def _looking_up(numbers: Mapping[str | None, ReadCell]):  # type: ignore[no-untyped-def]
    def lookup(tree: Tree, leaf: Leaf) -> Range | None:
        cell = numbers.get(key_of(tree))
        if cell is None or cell.number is None:
            return None
        if is_bare(cell.tree):
            return evaluate(cell.number, leaf)
        return hull([evaluate(cell.number, leaf), evaluate(cell.tree, leaf)])

    return lookup


_Made = tuple[Tree | str, dict[int, str | None]]  # how a column is made, and of which others


def _made(
    header: Sequence[Sequence[Fragment]], head: Sequence[Fragment], column: int
) -> _Made | None:
    """Return how a column is made, and of which others, by their names."""
    for pattern, word in WORDS:
        if column and pattern.search(plain(head)):
            counted = COUNTS.search(plain(header[0])) is not None
            first = int(counted) if word == "sum" else column - 1
            factors = _factors(header[first:column]) if word == "sum" else ()
            used = [i for i in range(first, column) if _heading(header[i])[0] not in factors]
            return (word, dict.fromkeys(used)) if used else None
    _, tree = _heading(head)
    if tree is None or is_numeric(tree):
        return None
    keys = {_heading(cell)[0]: i for i, cell in enumerate(header)}
    names = {key for part in quantities(tree) if (key := key_of(part)) is not None}
    if not names or not names <= keys.keys() or column in (keys[name] for name in names):
        return None
    return tree, {keys[name]: name for name in sorted(names)}


def _factors(header: Sequence[Sequence[Fragment]]) -> set[str | None]:
    """Return the quantities that others are made of, and that no sum of those has again."""
    made = [_heading(head)[1] for head in header]
    return {key_of(part) for tree in made if tree is not None for part in quantities(tree)}


def _heading(pieces: Sequence[Fragment]) -> tuple[str | None, Tree | None]:
    """Return what a heading names, and the formula that it has for it: `z = μ + σ·ε`."""
    all_chains = cut(pieces)
    tokens = [token for token in all_chains.tokens if token.kind != "gap"]
    equation = list(chains(tokens, all_chains.source)) if tokens else []
    trees = [side.tree for c in equation for side in c.sides] if len(equation) == 1 else []
    tree = trees[-1] if trees else formula_of(pieces)
    name = trees[0] if trees else tree
    key = key_of(name) if name is not None else None
    return key, tree if tree is not None and key_of(tree) is None else None


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


def _cell(pieces: Sequence[Fragment]) -> ReadCell | None:
    all_chains = cut(pieces)
    tokens = [token for token in all_chains.tokens if token.kind != "gap"]
    if not tokens:
        return None
    equation = list(chains(tokens, all_chains.source))
    if len(equation) == 1 and isinstance(equation[0].sides[-1].tree, Literal):
        number = equation[0].sides[-1].tree
        before = equation[0].sides[-2].tree
        made = before is not None and is_numeric(before)
        return ReadCell(before if made and before is not None else number, number, tokens[0].line)
    tree = equation[0].sides[-1].tree if len(equation) == 1 else formula_of(pieces)
    if tree is None or not is_numeric(tree):
        return None
    return ReadCell(tree, tree if isinstance(tree, Literal) else None, tokens[0].line)
