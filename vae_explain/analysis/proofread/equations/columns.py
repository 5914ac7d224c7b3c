"""Tables with a column that says how it is made: `$x_i - \\mu_i$`, `squared`, `sum`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ....quick_named_tuples import NamedTuple
from ..passage import Fragment, Passage, plain
from .chains import chains
from .cursor import Unreadable
from .evaluation import CannotEvaluate, Leaf, evaluate, half
from .intervals import Range, all_meet, hull
from .judging import ComparedSides
from .parser import parse
from .reader import cut
from .syntax import Literal, Power, Sum, Tree, is_bare, is_numeric, key_of, quantities

WORDS = (
    (re.compile(r"(?i)^\W*(?:squared?|square of it)\W*$"), "squared"),
    (re.compile(r"(?i)^\W*(?:row )?(?:sum|total)\W*$"), "sum"),
)
COUNTS = re.compile(r"(?i)^\W*(?:[ijkn#]|row|step|unit|dim\w*|index|no\.?|)\W*$")


class ColumnClaim(NamedTuple):
    """A number in a table, and what its column says that it is."""

    pair: ComparedSides
    says: str
    line: int


class _Cell(NamedTuple):
    """What a cell holds: its arithmetic, and the number that it comes to."""

    tree: Tree
    number: Literal
    line: int


def column_claims(passage: Passage) -> Iterator[ColumnClaim]:
    """Yield what the columns of a table say of its numbers, where most of them bear it out."""
    header, *body = passage.rows
    if not any(map(_is_claim, header)):
        return
    rows = [[_cell(pieces) for pieces in row] for row in body]
    for column, head in enumerate(header):
        claims = list(_claims(header, head, column, rows))
        right = sum(_holds(claim) for claim in claims)
        if claims and 2 * right >= len(claims):
            yield from claims


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
    for row in rows:
        cell = row[column] if column < len(row) else None
        cells = [row[i] if i < len(row) else None for i in used]
        known = [entry for entry in cells if entry is not None]
        if cell is None or not known:
            continue
        if isinstance(tree, str):
            formula = _of_words(tree, [entry.number for entry in known])
            yield ColumnClaim(
                ComparedSides(formula, cell.number), f"the column {plain(head)}", cell.line
            )
            continue
        if len(known) < len(used):
            continue
        numbers = {key_of(_tree(header[i])): e for i, e in zip(used, known, strict=True)}  # type: ignore[arg-type]  # only heads with a name are used
        pair = ComparedSides(tree, cell.number, _looking_up(numbers))
        yield ColumnClaim(pair, f"the column {plain(head)}", cell.line)


def _looking_up(numbers: dict[str | None, _Cell]):  # type: ignore[no-untyped-def]
    def lookup(tree: Tree, leaf: Leaf) -> Range | None:
        cell = numbers.get(key_of(tree))
        if cell is None:
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
    tree = _tree(head)
    if tree is None or key_of(tree) is not None or is_numeric(tree):
        return None
    keys = {key_of(other): i for i, cell in enumerate(header) if (other := _tree(cell)) is not None}
    keys.pop(None, None)
    names = {key for part in quantities(tree) if (key := key_of(part)) is not None}
    if not names or not names <= keys.keys() or column in (keys[name] for name in names):
        return None
    return tree, [keys[name] for name in sorted(names)]


def _of_words(word: str, numbers: Sequence[Literal]) -> Tree:
    if word == "squared":
        return Power(numbers[-1], Literal("2", 2.0, 0))
    return Sum(tuple(numbers)) if len(numbers) > 1 else numbers[0]


def _tree(pieces: Sequence[Fragment]) -> Tree | None:
    """Read a heading as a formula; None when it is words."""
    tokens = [token for token in cut(pieces).tokens if token.kind != "gap"]
    try:
        tree, end = parse(tokens)
    except Unreadable:
        return None
    return tree if end == len(tokens) else None


def _cell(pieces: Sequence[Fragment]) -> _Cell | None:
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
    tree = _tree(pieces)
    return _Cell(tree, tree, tokens[0].line) if isinstance(tree, Literal) else None


def _holds(claim: ColumnClaim) -> bool:
    try:
        bounds = evaluate(claim.pair.left, half, claim.pair.lookup)
    except CannotEvaluate:
        return False
    number = claim.pair.right
    assert isinstance(number, Literal), "a claim is of one number"
    return all_meet(bounds, half(number))
