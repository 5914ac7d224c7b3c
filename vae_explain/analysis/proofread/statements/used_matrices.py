"""A matrix that a document states, and the sums of products that have its rows or columns.

`h_1 = 0.76·0.6 + 0.32·0.3` and `h_2 = 0.76·(−0.4) + 0.32·0.1` multiply one list by the rows of a
matrix, or by its columns, whichever their author means. Where a matrix has them once two of its
numbers or rows change places, or with a row that it has not, it is printed wrong.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import islice

from ....quick_classes import NamedTuple
from ..arithmetic.demands import rearranged
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.seen import is_within
from ..grammar.syntax import Row, flattened, is_bare, key_of, literals, shown
from .chains import Chain
from .lists import Key, TermColumn, key_of_numbers, tells, term_columns

MOST = 64  # matrices of a document, and lists that are multiplied


class _Matrix(NamedTuple):
    """A matrix as it is stated; a list may be the one row that is left of it."""

    name: str
    tree: Row
    line: int

    @property
    def rows(self) -> list[Key]:
        rows = self.tree.entries if isinstance(self.tree.entries[0], Row) else (self.tree,)
        return [key_of_numbers(literals(row)) for row in rows]


class _Use(NamedTuple):
    """One of several sums: the number of what it is of, and what a list is multiplied by in it."""

    number: int
    column: TermColumn


def wrong_matrices(chains: Sequence[Chain]) -> Iterator[DocumentFinding]:
    """Yield the matrices of which the rows are others where they are multiplied."""
    matrices = list(islice(_matrices(chains), MOST))
    listed = _listed(chains) if matrices else set()
    used = list(islice(_used(chains, listed), MOST))
    multiplied = [[key_of_numbers(use.column.numbers) for use in uses] for uses in used]
    unused = [m for m in matrices if not any(_fits(m.rows, lists) for lists in multiplied)]
    for uses, lists in zip(used, multiplied, strict=True):
        if any(_fits(matrix.rows, lists) for matrix in matrices):
            continue
        if not tells([number for use in uses for number in use.column.numbers]):
            continue
        found = (_wrong(matrix, uses, lists, listed) for matrix in unused)
        wrong = [finding for finding in found if finding is not None]
        yield from wrong if len(wrong) == 1 else ()


def _matrices(chains: Sequence[Chain]) -> Iterator[_Matrix]:
    for chain in chains:
        first, last = chain.sides[0].tree, chain.sides[-1]
        key = key_of(first) if first is not None else None
        if key and isinstance(last.tree, Row) and is_bare(last.tree):
            sizes = {len(row.entries) if isinstance(row, Row) else 0 for row in last.tree.entries}
            if len(sizes) == 1 < len(literals(last.tree)):
                yield _Matrix(key, last.tree, last.line)


def _listed(chains: Sequence[Chain]) -> set[Key]:
    """Return the lists that a document states, or comes to."""
    trees = (flattened(s.tree) for c in chains for s in c.sides if s.tree is not None)
    lists = (tree for tree in trees if isinstance(tree, Row) and is_bare(tree))
    return {
        key_of_numbers(literals(tree))
        for tree in lists
        if not any(isinstance(entry, Row) for entry in tree.entries)
    }


def _used(chains: Sequence[Chain], listed: Container[Key]) -> Iterator[list[_Use]]:
    """Yield what lists are multiplied by that are stated in their order, sum by sum."""
    by_list: dict[Key, list[_Use]] = {}
    for chain in chains if listed else ():
        name = key_of(chain.sides[0].tree) if chain.sides[0].tree is not None else None
        digits = "".join(filter(str.isdecimal, (name or "")[-3:]))
        columns = list(term_columns(chain)) if digits else []
        if len(columns) != 2 or any(any(column.negative) for column in columns):
            continue
        for other, column in (columns, columns[::-1]):
            key = key_of_numbers(other.numbers)
            if key in listed:
                by_list.setdefault(key, []).append(_Use(int(digits), column))
    for uses in by_list.values():
        numbers = [use.number for use in uses]
        if len(uses) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            yield uses


def _fits(rows: Sequence[Key], lists: Sequence[Key]) -> bool:
    """Whether lists are rows of a matrix, or its columns, in their order."""
    return is_within(lists, rows) or is_within(lists, list(zip(*rows, strict=True)))


def _wrong(
    matrix: _Matrix, uses: Sequence[_Use], lists: Sequence[Key], listed: Container[Key]
) -> DocumentFinding | None:
    """Return what is wrong in a matrix, if one thing in it makes it the one that is used."""
    sums = f"{shown(uses[0].column.tree)} and what follows it"
    ours = literals(matrix.tree)
    line = ours[0].line or matrix.line
    for other in rearranged(matrix.tree):
        if not (isinstance(other.old, Row) and isinstance(other.value, Row)):
            continue  # one number of another sign
        if _fits(_Matrix("", other.value, 0).rows, lists):
            pairs = zip(ours, literals(other.value), strict=True)
            number, meant = next((a, b) for a, b in pairs if a.value != b.value)
            reason = f"{sums} have the numbers of {matrix.name} in another order"
            return DocumentFinding(number.line or line, number.text, meant.text, reason, "B")
    for whole in (list(lists), list(zip(*lists, strict=True))):
        for i, row in enumerate(whole):
            if matrix.rows == [*whole[:i], *whole[i + 1 :]] and row not in listed:
                reason = f"{matrix.name} has lost a row: {sums} have one more"
                return DocumentFinding(line, shown(matrix.tree), "", reason, "B")
    return None
