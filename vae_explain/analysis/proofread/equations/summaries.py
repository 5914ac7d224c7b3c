"""Tables that sum up a document: `t | m | v | θ`, in row t the m_t, v_t and θ_t of the text.

A list that the text states is that of a column too. A number of the text that its own arithmetic
does not come to is left to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ..arithmetic.sides import ComparedSides
from ..blame.claims import ColumnClaim
from ..grammar.syntax import Literal, Row, Tree, flattened, is_bare, is_numeric, key_of
from ..statements.chains import Chain
from .columns import ReadTable, formula_of
from .named_columns import name_of

LEAST = 3  # numbers of a table that are those of the text, and by no chance
SHARE = 0.75  # of its numbers that have a name there


def summary_claims(tables: Sequence[ReadTable], chains: Sequence[Chain]) -> Iterator[ColumnClaim]:
    """Yield that numbers of a table are those of the text, where nearly all of them are."""
    stated = dict(_stated(chains)) if tables else {}
    for table in tables:
        claims: list[ColumnClaim] = []
        for column, head in enumerate(table.header):
            of_column = list(_claims(table, column, name_of(formula_of(head)), stated))
            held = sum(claim.held for claim in of_column)
            claims += of_column if 2 * held >= len(of_column) else ()
        held = sum(claim.held for claim in claims)
        if held >= max(LEAST, SHARE * len(claims)):
            yield from claims


def _claims(
    table: ReadTable, column: int, name: str | None, stated: dict[str, Tree | None]
) -> Iterator[ColumnClaim]:
    whole = stated.get(name or "")
    entries = whole.entries if isinstance(whole, Row) else ()
    listed = entries if len(entries) == len(table.rows) else (None,) * len(table.rows)
    for row, entry in zip(table.rows, listed, strict=True):
        cells = [cell.number if cell is not None else None for cell in (row[0], *row[column:][:1])]
        count, number = cells if column and len(cells) == 2 else (None, None)
        if name is None or number is None or count is None or not count.whole:
            continue
        known = stated.get(f"{name}{count.text}", entry)
        if isinstance(known, Literal):
            rounded = replace(known, tolerance=known.unit / 2)
            pair, says = ComparedSides(rounded, number), f"the {name} of the text"
            sound, held = {id(rounded)}, pair.agree()
            yield ColumnClaim(pair, says, number.line, sound=sound, held=held)


def _stated(chains: Sequence[Chain]) -> Iterator[tuple[str, Tree | None]]:
    """Yield the one value that a quantity has, None where it has several or a wrong one."""
    values: dict[str, Tree | None] = {}
    for chain in chains:
        name = chain.sides[0].tree
        key = key_of(name) if name is not None and not isinstance(name, Literal) else None
        if key is None or not chain.values:
            continue
        value = flattened(chain.values[-1])
        known = values.get(key, value) == value and all(map(_agree, pairwise(_trees(chain))))
        values[key] = value if known else None
    yield from values.items()


def _trees(chain: Chain) -> list[Tree]:
    return [side.tree for side in chain.sides if side.tree is not None]


def _agree(sides: tuple[Tree, Tree]) -> bool:
    """Whether arithmetic comes to what stands behind it."""
    left, right = sides
    made = is_numeric(left) and not is_bare(left) and is_bare(right)
    return not made or ComparedSides(left, right).agree()
