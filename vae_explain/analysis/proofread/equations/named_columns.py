"""Tables whose columns are headed by quantities: `μ | log σ² | σ | ε | z`, a row for each element.

A column is held against its quantity's formula, the document's or the usual one, row by row.
What the formula is made of stands in the same row, in the same row of an earlier table, or is
stated in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from ....quick_classes import NamedTuple
from ....trace import Array
from ..arithmetic.demands import solved
from ..arithmetic.evaluation import (
    KNOWN_BY,
    CannotEvaluate,
    as_chosen,
    as_printed,
    as_rounded,
    evaluate,
    half,
)
from ..arithmetic.known import as_text
from ..arithmetic.sides import ComparedSides
from ..blame.claims import ColumnClaim, believed
from ..grammar.cursor import literal
from ..grammar.quantities import without_index
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Power,
    Row,
    Total,
    Tree,
    flattened,
    is_numeric,
    key_of,
    parts,
    substituted,
    with_part,
)
from ..grammar.variants import HALF, TWO
from ..passage import plain
from ..statements.chains import Chain
from ..statements.scope import EVERY
from ..statements.usual import usual_formula
from .columns import ReadCell, ReadTable, formula_of

LEAST = 2  # rows by which a column bears its formula out


class _Stated(NamedTuple):
    """What the text states: formulas of quantities, and the values of those that have one."""

    formulas: Mapping[str, Sequence[Tree]]
    values: Mapping[str, Tree | None]


class _Named(NamedTuple):
    """The numbers of a table by the names of their columns, a list for the rows."""

    columns: Mapping[str, Sequence[Literal | None]]
    rows: int


def named_claims(
    tables: Sequence[ReadTable], chains: Sequence[Chain], rounded: bool = False
) -> list[ColumnClaim]:
    """Return what the names of columns say of their numbers, where most bear it out.

    Where several numbers of a row are wrong by one that they share, and that no right one has,
    only the claim of that one is left, or the first of theirs, which says so. Where a document is
    rounded, a number of few digits is too.
    """
    leaf = as_rounded if rounded else as_chosen
    claims = dict(enumerate(_all_claims(tables, chains)))
    wrong: dict[int, list[int]] = {}  # the places of wrong claims, by the numbers that they have
    sound: set[int] = set()
    for place, claim in claims.items():
        if claim.pair.agree(leaf):
            sound.update(map(id, claim.numbers))
            claims[place] = claim._replace(held=True)
        else:
            for number in claim.numbers:
                wrong.setdefault(id(number), []).append(place)
    numbers = {id(n): n for claim in claims.values() if not claim.held for n in claim.numbers}
    for key, number in numbers.items():
        of_it = {place: claims[place] for place in wrong[key] if place in claims}
        if len(of_it) < 2 or number.whole or key in sound:
            continue
        for meant in filter(None, (_meant(number, claim) for claim in of_it.values())):
            if all(_with(claim, number, meant).pair.agree(leaf) for claim in of_it.values()):
                made = [place for place, claim in of_it.items() if claim.pair.right is number]
                kept = made[0] if made else min(of_it)
                for place in of_it:
                    del claims[place]
                claims[kept] = of_it[kept]._replace(instead=None if made else (number, meant))
                break
    return [claims[place]._replace(sound=sound) for place in sorted(claims)]


def _with(claim: ColumnClaim, number: Literal, meant: Tree) -> ColumnClaim:
    left, right = (with_part(side, number, meant) for side in claim.pair[:2])
    return claim._replace(pair=ComparedSides(left, right))


def _meant(number: Literal, claim: ColumnClaim) -> Literal | None:
    """Return what a number has to be for a claim to hold."""

    def given(tree: Tree) -> Array | None:
        try:
            return evaluate(_with(claim, number, tree).pair.left, as_printed).middle
        except CannotEvaluate:
            return None

    if claim.pair.right is number:
        value = given(number)
        return None if value is None else literal(as_text(float(value), number), number.line)
    found = solved(number, 0, given, evaluate(claim.pair.right, half), finer=0)
    return found.new if found is not None and isinstance(found.new, Literal) else None


def _all_claims(tables: Sequence[ReadTable], chains: Sequence[Chain]) -> Iterator[ColumnClaim]:
    tables = [table for table in tables if len(table.rows) >= LEAST]
    stated = _stated(chains if tables else ())
    before: list[_Named] = []
    for table in tables:
        header, rows = table[:2]
        heads = [formula_of(cell) for cell in header]
        numbers = [_rounded_alike([_number_in(row, i) for row in rows]) for i in range(len(heads))]
        named = {name: numbers[i] for i, head in enumerate(heads) if (name := name_of(head))}
        before.insert(0, _Named(named, len(rows)))
        for i, head in enumerate(heads):
            says = plain(header[i]) if name_of(head) is None else f"the formula of {name_of(head)}"
            for formula in _formulas(head, stated, named):
                claims = believed(list(_claims(formula, says, numbers[i], before, stated)))
                if len(claims) >= LEAST:
                    yield from claims
                    break


def _number_in(row: Sequence[ReadCell | None], place: int) -> Literal | None:
    cell = row[place] if place < len(row) else None
    return None if cell is None else cell.number


def _rounded_alike(column: Sequence[Literal | None]) -> list[Literal | None]:
    """Return a column in which `0.0088` is as rounded as the `0.1445` above it."""
    telling = {n.decimals for n in column if n is not None and n.significant >= KNOWN_BY}
    return [
        n if n is None or n.whole or n.decimals not in telling else replace(n, tolerance=n.unit / 2)
        for n in column
    ]


def _stated(chains: Sequence[Chain]) -> _Stated:
    formulas: dict[str, list[Tree]] = {}
    values: dict[str, Tree | None] = {}
    for chain in chains:
        name = name_of(chain.sides[0].tree)
        if name is None:
            continue
        formulas.setdefault(name, []).extend(chain.formulas)
        for value in chain.values:
            values[name] = value if values.get(name, value) == value else None
    return _Stated(formulas, values)


def name_of(tree: Tree | None) -> str | None:
    """Return what a tree is called, without an index that runs over all."""
    key = None if tree is None or isinstance(tree, Literal) else key_of(tree)
    if tree is None or key is None:
        return None
    whole, index = without_index(tree)
    return key_of(whole) if index and whole is not None and set(index) <= EVERY else key


def _formulas(head: Tree | None, stated: _Stated, columns: Mapping[str, object]) -> list[Tree]:
    """Return what a column may be made by: its heading, or a formula of what it is called."""
    if head is None or is_numeric(head):
        return []
    name = name_of(head)
    if name is None:  # of columns beside it, `columns.py` reads it
        return [] if _names(head) <= columns.keys() else [head]
    usual = usual_formula(name)
    return [*stated.formulas.get(name, ()), *([] if usual is None else [usual])]


def _names(tree: Tree) -> set[str]:
    name = name_of(tree)
    return {name} if name is not None else set().union(*map(_names, parts(tree)))


def _claims(
    formula: Tree,
    says: str,
    column: Sequence[Literal | None],
    tables: Sequence[_Named],
    stated: _Stated,
) -> Iterator[ColumnClaim]:
    made = [_put_in(formula, partial(_number, row, tables, stated)) for row in range(len(column))]
    pairs = [(one, number) for one, number in zip(made, column, strict=True) if one and number]
    if len({one for one, _ in pairs}) == 1 and len({number.value for _, number in pairs}) > 1:
        return  # of what the text states for one case alone
    for one, number in pairs:
        yield ColumnClaim(ComparedSides(one, number), says, number.line)


def _put_in(tree: Tree, number: Callable[[str], Tree | None]) -> Tree | None:
    """Return a formula with numbers for its names; None where one has none."""

    def number_of(part: Tree) -> Tree | None:
        name = name_of(part)
        if name is not None:
            known = number(name)
            if known is None:
                raise LookupError(name)
            return known
        if isinstance(part, Total) and part.function == "sum":  # a row has one term of it
            return substituted(part.body, number_of)
        return None

    try:
        return substituted(tree, number_of)
    except LookupError:
        return None


def _number(row: int, tables: Sequence[_Named], stated: _Stated, name: str) -> Tree | None:
    """Return the number that a quantity has in a row, of the nearest table or of the text."""
    size = tables[0].rows
    for table in tables:
        for other, change in FAMILY.get(name, {name: _same}).items():
            column = table.columns.get(other, ()) if table.rows == size else ()
            known = column[row] if column else None
            if known is not None:
                return change(known)
    value = stated.values.get(name)
    value = value if value is None else flattened(value)
    if isinstance(value, Row):
        return value.entries[row] if len(value.entries) == size else None
    return value


def _same(number: Literal) -> Tree:
    return number


def _square(number: Literal) -> Tree:
    return Power(number, TWO)


def _root(number: Literal) -> Tree:
    return Power(number, HALF)


def _exp(number: Literal) -> Tree:
    return FunctionCall("exp", (number,))


def _log(number: Literal) -> Tree:
    return FunctionCall("log", (number,))


# A deviation, its variance and that one's logarithm, each by the others.
FAMILY: Mapping[str, Mapping[str, Callable[[Literal], Tree]]] = {
    "σ²": {"σ²": _same, "σ": _square, "logσ²": _exp},
    "σ": {"σ": _same, "σ²": _root},
    "logσ²": {"logσ²": _same, "σ²": _log},
}
