"""Several names that get their values at once: `w, b = 0.4, 0.1`, and `(x, y) = (1, 0)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..grammar.clauses import Clause
from ..grammar.syntax import Row, Symbol, Tree
from ..grammar.tokens import MathToken
from .sides import Side, SideReader


def unpacked(
    reader: SideReader,
    clauses: Sequence[Clause],
    position: int,
    further: Sequence[tuple[int, int]],
) -> Iterator[tuple[Side, Side]]:
    """Yield each name before a clause's sign of equality with its value behind it.

    Parameters
    ----------
    further
        Where the values behind the first stand.
    """
    clause = clauses[position]
    names = [clause.sides[0]]
    while position and is_name(reader.tokens, clauses[position - 1]):
        position -= 1
        names.insert(0, clauses[position].sides[0])
    values = [clause.sides[1], *further]
    if len(clause.sides) == 2 and len(names) == len(values):
        for name, value in zip(names, values, strict=True):
            yield reader.left(*name), reader.right(*value)[0]


def is_name(tokens: Sequence[MathToken], clause: Clause) -> bool:
    """Whether a clause is no more than a name, and a comma stands behind it."""
    start, end = clause.sides[0]
    alone = len(clause.sides) == 1 and end - start == 1 and tokens[start].kind == "name"
    return alone and clause.ended_by == "comma"


def each(sides: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    """Yield each name of a list with its value, where names are said to be a list of values."""
    if len(sides) != 2:
        return
    names, values = (_entries(side.tree) for side in sides)
    if len(names) == len(values) > 1 and all(isinstance(name, Symbol) for name in names):
        for name, value in zip(names, values, strict=True):
            yield sides[0]._replace(tree=name), sides[1]._replace(tree=value)


def _entries(tree: Tree | None) -> tuple[Tree, ...]:
    return tree.entries if isinstance(tree, Row) else ()
