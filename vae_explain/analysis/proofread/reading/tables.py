"""The figures of a table: columns that are quantities, rows that are, or a matrix.

The header decides first, then the first column, then what the table stands under.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import takewhile

from ..grammar.counts import count_of
from ..grammar.syntax import Literal, Negative, Row, Sum, Tree, is_bare
from ..grammar.tokens import MathToken
from .running_text import Scan
from .statement import DIFFERENCE, Context, DocumentStatement, Found, Headings, Remnant
from .values import line_of, numbers_of, read_value, text_of

# Headers of what is added up: a product, `W[i,0]·x[0]`, or what comes by one way of several.
SUMMAND = re.compile(r"[\w\[\],]+\*[\w\[\],]+$|by \w|all others$")
SHARE = re.compile(r"(?:reconstruction|KL) by \w+")
CHANGE = ["before", "after", "change"]
COUNT = re.compile(r"\d+")
FEWEST_COUNTED = 4  # rows that are, for each whose count is another number


class Cell:
    """One cell: its tokens, and the value they are, if they are one."""

    def __init__(self, tokens: Sequence[MathToken], line: int, headings: Headings) -> None:
        self.tokens, self.line, self.headings = tokens, line, headings

    @cached_property
    def text(self) -> str:
        return text_of(self.tokens)

    @cached_property
    def value(self) -> Tree | None:
        """The number, arithmetic or array that fills the cell."""
        read = read_value(self.tokens, 0)
        return read[0] if read is not None and read[1] == len(self.tokens) else None

    @property
    def is_named(self) -> bool:
        """Whether it names a quantity, and is none itself."""
        return self.value is None and self.headings.is_named(self.text)

    @property
    def is_open(self) -> bool:
        """Whether it leaves what it names to what stands around."""
        return self.headings.is_open(self.text)

    @property
    def is_share(self) -> bool:
        """Whether it names a part of the gradient in a column before."""
        return self.headings.is_share(self.text)

    @property
    def relates(self) -> bool:
        """Whether it holds a statement of its own, `μ = 0.8898`."""
        return any(token.kind == "relation" or token.text == ":" for token in self.tokens)

    @property
    def is_index(self) -> bool:
        """Whether it counts rows: `3`, `[3]`, `unit 3`, or nothing."""
        if not self.tokens:
            return True
        numbers = [token for token in self.tokens if token.kind == "number"]
        return all(COUNT.fullmatch(token.text) for token in numbers) and not self.relates


def table_statements(
    rows: Sequence[Sequence[Cell]], context: Context, line: int
) -> Iterator[Found]:
    """Yield what a table states, its header row first."""
    if not rows:
        return
    header, body = rows[0], [row for row in rows[1:] if row]
    # Cells with statements of their own, such as `z[0] = … = …`.
    for cell in (cell for row in body for cell in row if cell.relates):
        yield from Scan(cell.tokens, context, "math").statements()
    leading = sum(row[0].is_named for row in body)
    if leading and 2 * leading >= len(body):
        yield from _by_row(header, body, context, line)
    elif any(cell.is_named or cell.is_open for cell in header[1:]):
        yield from _Columns(header, body, context, line).statements()
    else:
        label = header[0].text if header and header[0].is_named else ""
        yield from _matrix(header, body, context, line, label)


class _Columns:
    """A table whose columns are quantities, with the arithmetic that makes them beside."""

    def __init__(
        self, header: Sequence[Cell], body: Sequence[Sequence[Cell]], context: Context, line: int
    ) -> None:
        self.header, self.body, self.context, self.line = header, body, context, line
        self.miscounted = [row[0] for row in body if not row[0].is_index]
        if 0 < len(self.miscounted) * FEWEST_COUNTED <= len(body):
            self.body = [row for row in body if row[0].is_index]
        self.indices = self._indices()
        self.summands: list[int] = []  # the columns that the next result is the sum of
        self.gradient = ""  # the last header that may be parted into the loss's terms
        self.named: list[int] = []  # the columns of quantities so far

    def statements(self) -> Iterator[Found]:
        for cell in self.miscounted if self.indices else ():
            if any("." in token.text for token in cell.tokens if token.kind == "number"):
                why = "it stands where the rows of a table are counted"
                yield Remnant(cell.text, cell.line, why, wrong=True)
        for j, head in enumerate(self.header):
            cells = self._column(j)
            values = [cell.value for cell in cells]
            if (j == 0 and all(cell.is_index for cell in cells)) or j in self.summands:
                continue
            if self._is_summand(j):
                self.summands.append(j)
            elif head.is_named or head.is_open:
                if not self.summands:  # they may stand behind it
                    self.summands = list(takewhile(self._is_share, range(j + 1, len(self.header))))
                yield from self._result(head, values)
                self.summands = [] if self.summands[-1:] < [j] else self.summands
                self.named.append(j)
            elif head.text == "difference" and len(self.named) > 1:
                yield from self._differences(j)
            else:
                yield from _unnamed(cells)

    def _column(self, j: int) -> list[Cell]:
        return [row[j] for row in self.body if j < len(row)]

    def _is_summand(self, j: int) -> bool:
        """Whether a column has what is added up, worked out or still as arithmetic."""
        text, values = self.header[j].text, [cell.value for cell in self._column(j)]
        added = (bool(self.summands) and text.startswith("+")) or SUMMAND.match(text) is not None
        return added or any(value is not None and not is_bare(value) for value in values)

    def _is_share(self, j: int) -> bool:
        return SHARE.fullmatch(self.header[j].text) is not None

    def _differences(self, j: int) -> Iterator[DocumentStatement]:
        """Yield each number of a column that is what the two before it differ by."""
        places = (*self.named[-2:], j)
        for row in (row for row in self.body if j < len(row)):
            first, second, value = (row[i].value for i in places)
            if first is not None and second is not None and value is not None:
                yield _difference(second, first, value, self.context, self.line)

    def _indices(self) -> tuple[tuple[int, ...], ...]:
        """Return which elements the rows are, where the first column counts them."""
        indices = []
        for row in self.body:
            numbers = [token for token in row[0].tokens if token.kind == "number"]
            if not numbers or not row[0].is_index:
                return ()
            indices.append(tuple(count_of(token.text) for token in numbers))
        return tuple(indices)

    def _result(self, head: Cell, values: Sequence[Tree | None]) -> Iterator[DocumentStatement]:
        label = head.text
        if head.is_share:
            label = f"{self.gradient} {label}"
        else:
            self.gradient = label
        kept = [i for i, value in enumerate(values) if value is not None]
        present = [value for value in values if value is not None]
        if not present:
            return
        sides: tuple[Tree, ...] = (_row(present, self.line),)
        sums = [self._sum(self.body[i]) for i in kept]
        whole = [sum_ for sum_ in sums if sum_ is not None]
        if whole and len(whole) == len(kept):
            sides = (_row(whole, self.line), *sides)
        chosen = tuple(self.indices[i] for i in kept) if self.indices else ()
        yield DocumentStatement(
            label, sides, self.context, line_of(present[0], self.line), indices=chosen
        )

    def _sum(self, row: Sequence[Cell]) -> Tree | None:
        """Return the arithmetic of a row, its columns added up."""
        terms: list[Tree] = []
        for j in self.summands:
            cell = row[j] if j < len(row) else None
            if cell is None or cell.value is None:
                return None
            terms.append(cell.value)
        whole = terms[0] if len(terms) == 1 else Sum(tuple(terms))
        return whole if terms and not is_bare(whole) else None


def _difference(
    later: Tree, earlier: Tree, value: Tree, context: Context, line: int
) -> DocumentStatement:
    """Say that a number is the difference of two."""
    sides = (Sum((later, Negative(earlier))), value)
    return DocumentStatement("difference", sides, context, line_of(value, line))


def _row(values: Sequence[Tree], line: int) -> Tree:
    return values[0] if len(values) == 1 else Row(tuple(values))


def _by_row(
    header: Sequence[Cell], body: Sequence[Sequence[Cell]], context: Context, line: int
) -> Iterator[Found]:
    headings = " ".join(cell.text for cell in header)
    comparison = DIFFERENCE.search(headings) or DIFFERENCE.search(_nearest_words(context))
    for row in body:
        values = [cell.value for cell in row[1:] if cell.value is not None]
        if not values:
            continue
        if comparison:
            text = " ".join(cell.text for cell in row)
            yield Remnant(text, row[0].line, "a table of differences", figure=False)
        elif not row[0].is_named:
            yield from _unnamed(row[1:])
        elif len(values) == 3 and [cell.text for cell in header[1:]] == CHANGE:
            yield DocumentStatement(row[0].text, (values[0],), context, line_of(values[0], line))
            yield _difference(values[1], values[0], values[2], context, line)
        else:
            value = _row(values, line)
            yield DocumentStatement(row[0].text, (value,), context, line_of(value, line))


def _nearest_words(context: Context) -> str:
    return " ".join(piece.text for pieces in context[:2] for piece in pieces)


def _matrix(
    header: Sequence[Cell],
    body: Sequence[Sequence[Cell]],
    context: Context,
    line: int,
    label: str,
) -> Iterator[Found]:
    """Read a table that is one array, named in its corner or by what stands above it."""
    counted = all(row and row[0].is_index for row in body)
    corner = header[0].is_index or bool(label)
    corner = corner and [cell.text for cell in header[:2]] != ["0", "1"]  # it counts the columns
    first = int(counted and corner and not _all_numbers(header))
    kept = [row for row in ([header, *body] if _all_numbers(header) else body) if row]
    rows = [[cell.value for cell in row[first:]] for row in kept]
    if not rows or any(not isinstance(v, Literal) for row in rows for v in row):
        for row in kept:
            yield from _unnamed(row)
        return
    entries = tuple(Row(tuple(v for v in row if v is not None)) for row in rows)
    if not all(entry.entries for entry in entries):
        return
    value = entries[0] if len(entries) == 1 else Row(entries)
    yield DocumentStatement(label, (value,), context, line_of(value, line))


def _all_numbers(cells: Sequence[Cell]) -> bool:
    """Whether a header row is a row of decimals, since Markdown has no table without one."""
    values = [cell.value for cell in cells]
    return all(isinstance(v, Literal) for v in values) and any(
        isinstance(v, Literal) and not v.whole for v in values
    )


def _unnamed(cells: Sequence[Cell]) -> Iterator[Remnant]:
    for cell in cells:
        value = cell.value
        if value is None or cell.relates:
            continue
        decimals = [n for n in numbers_of(value) if not isinstance(n, Literal) or not n.whole]
        if decimals:
            yield Remnant(cell.text, cell.line, "a table's cell without a name")
