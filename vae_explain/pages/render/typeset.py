"""What the typeset formats share: numbers with a real minus, and which lines are shown how.

Markdown, LaTeX and the notebook differ in their marks; what stands in a row of arithmetic,
how much of a tensor fits on a page and what its numbers look like is decided here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ...engine.worked_lines import Worked
from ...quick_classes import NamedTuple
from ...symbolic.expression import Expression, Index, terms_of
from ...symbolic.text import Write, elided, to_text, to_tokens
from ...trace import rows_of
from ..blocks import Column, Lines, Matrix, Places, Statement, Summary, Table
from ..pictured import Curve
from .numbers import LineNumbers, Numbers
from .slices import matrices

MINUS = "−"
MOST_SUMMANDS = 6  # columns that a row of arithmetic may take; longer sums are one cell
MOST_ROWS, MOST_COLUMNS = 32, 10  # of a matrix in one piece
WIDEST, BETWEEN = 81, 2  # characters of its rows, with those between its columns
SHELF = 100  # characters of the matrices that stand side by side
BETWEEN_GRIDS = 6  # characters, with the equals sign and the brackets
MARKS = {"plain": "", "check": "✓ ", "failure": "✗ ", "warning": "! "}


class ArithmeticRow(NamedTuple):
    """A row of arithmetic: what it gives, how, and a word about it at its end."""

    label: str
    cells: tuple[str, ...]
    result: str
    zero: bool
    after: str = ""
    word: str = ""
    remark: str = ""
    failure: str = ""


class Rows(NamedTuple):
    """Rows of arithmetic under headers: the label's, the cells', the result's."""

    head: str
    columns: tuple[str, ...]
    name: str
    after: str
    rows: tuple[ArithmeticRow, ...]


class Grid(NamedTuple):
    """A matrix, or a part of it that fits a page, as text.

    Attributes
    ----------
    rows
        The numbers.
    at
        Which matrix of a tensor it is; `()` where the tensor is a single one.
    part
        Which of its rows and columns these are, `0:32, :`; empty where they are all.
    """

    rows: tuple[tuple[str, ...], ...]
    at: Index
    part: str

    @property
    def where(self) -> str:
        """What stands behind the tensor's name: `[0]`, `[0, 0:32, :]`; empty for all of it."""
        inside = [*map(str, self.at), *([self.part] if self.part else [])]
        return f"[{', '.join(inside)}]" if inside else ""

    @property
    def width(self) -> int:
        """How many characters its rows take."""
        return max(sum(len(cell) + BETWEEN for cell in row) for row in self.rows)


class Typesetter:
    """Writes the numbers of a document.

    Parameters
    ----------
    digits
        Decimals for every number; None for the defaults of each kind.
    """

    def __init__(self, digits: int | None = None) -> None:
        self.numbers = Numbers(digits)

    def one(self, value: float, places: Places) -> str:
        """Write a number that stands alone."""
        return minus(self.numbers.one(value, places))

    def arithmetic(self, expression: Expression, leaf: Write) -> str:
        """Write an expression with its numbers, as `leaf` writes them."""
        return minus(to_text(expression, leaf))

    def statement(self, block: Statement) -> str:
        """Write sentences with their numbers."""
        parts = self.numbers.statement(block)
        return "".join(text if number is None else minus(text) for text, number in parts)

    def symbols(self, expression: Expression) -> str:
        """Write an expression with its names, a long sum by its ends."""
        tokens = to_tokens(elided(expression))
        signs = ("operator", "constant")  # a hyphen in a name stays one
        return "".join(minus(t.text) if t.role in signs else t.text for t in tokens)

    def grids(self, block: Matrix) -> list[Grid]:
        """Write a tensor's numbers, all with the same decimals, in parts that fit a page.

        A tensor of three axes or more is a grid for each of its matrices.
        """
        array = np.asarray(block.array)
        flat = rows_of(array)
        column = self.numbers.column(flat, block.places, block.signed_zeros)
        texts = np.array(list(map(minus, column)), dtype=object)
        texts = texts.reshape(flat.shape)
        widest = max(map(len, texts.ravel()), default=0)
        columns = max(1, min(MOST_COLUMNS, WIDEST // (widest + BETWEEN)))
        grids = []
        for index, rows in matrices(block):
            matrix = texts[rows.start : rows.stop]
            for top in range(0, len(rows), MOST_ROWS):
                for left in range(0, flat.shape[1], columns):
                    cells = matrix[top : top + MOST_ROWS, left : left + columns]
                    down = _slice(top, cells.shape[0], len(rows))
                    across = _slice(left, cells.shape[1], flat.shape[1])
                    part = across if array.ndim < 2 else f"{down}, {across}"
                    whole = cells.shape == matrix.shape
                    written = tuple(map(tuple, cells.tolist()))
                    grids.append(Grid(written, index, "" if whole else part))
        return grids

    def shelves(self, block: Matrix) -> list[list[Grid]]:
        """Put the grids of a tensor side by side as far as they fit; a part stands alone."""
        shelves: list[list[Grid]] = []
        room = 0
        for grid in self.grids(block):
            taken = grid.width + len(block.name + grid.where) + BETWEEN_GRIDS
            if shelves and not grid.part and taken <= room:
                shelves[-1].append(grid)
            else:
                shelves.append([grid])
                room = 0 if grid.part else SHELF
            room -= taken
        return shelves

    def summary(self, block: Summary) -> list[str]:
        """Say what a tensor that is too big for a page is like, statement by statement."""
        return [
            " ".join(words + minus(number) for words, number in statement)
            for statement in self.numbers.summary(block)
        ]

    def largest(self, block: Summary) -> list[tuple[str, str]]:
        """Write the largest numbers of a summary with their indices; none if all are alike."""
        if block.constant:
            return []
        texts = self.numbers.column([entry.value for entry in block.largest], block.places)
        pairs = zip(block.largest, texts, strict=True)
        return [(entry.label, minus(text)) for entry, text in pairs]

    def table(
        self, table: Table, written: Callable[[str, bool], str], bold: Callable[[str], str]
    ) -> list[list[str]]:
        """Write a table's rows; `written` gets a cell and whether that is a number."""
        columns = [self.cells(table, j) for j in range(len(table.columns))]

        def cell(i: int, j: int) -> str:
            shown = written(columns[j][i], not isinstance(table.rows[i][j], str))
            dimmed = bool(table.dimmed) and table.dimmed[i]
            stands_out = table.columns[j].accent or table.is_marked(i, j)
            return bold(shown) if shown and stands_out and not dimmed else shown

        rows = [[cell(i, j) for j in range(len(columns))] for i in range(len(table.rows))]
        if any(table.reasons):
            return [
                [*row, written(why, False)] for row, why in zip(rows, table.reasons, strict=True)
            ]
        return rows

    def curve(self, block: Curve) -> tuple[list[str], list[list[str]]]:
        """Write a curve as a table: its headers, and a row for each point."""
        header = [block.axis, *(series.name for series in block.series)]
        points = enumerate(zip(*(series.values for series in block.series), strict=True))
        return header, [
            [str(i), *(self.one(value, "value") for value in values)] for i, values in points
        ]

    def cells(self, table: Table, j: int) -> list[str]:
        """Write a column of a table."""
        pairs = zip(table.rows, self.numbers.cells(table, j), strict=True)
        return [text if isinstance(row[j], str | int) else minus(text) for row, text in pairs]

    def rows(self, block: Lines) -> Rows:
        """Write worked lines as rows: a cell for each summand, or one for the whole line."""
        shared = block.share_columns and len(block.columns) <= MOST_SUMMANDS
        columns = block.columns if shared else ("arithmetic",)
        written = self.numbers.lines(block.lines, block.result_places, block.leaves)
        after = self._column(block.after.lines, block.places) if block.after else []
        rows = []
        for i, line in enumerate(block.lines):
            closed = bool(block.after and block.after.closed[i])
            rows.append(
                ArithmeticRow(
                    label=line.label.strip("[]"),
                    cells=self._summands(line, len(columns), written[i].leaf),
                    result=minus(written[i].result),
                    zero=line.shown == 0,
                    after=after[i] if after else "",
                    word=block.after.word if block.after and closed else "",
                    remark=minus(written[i].remark),
                    failure=self._failures(block, i),
                )
            )
        name = block.after.name if block.after else ""
        return Rows(block.head, columns, block.name, name, tuple(rows))

    def example(self, block: Lines) -> str:
        """Write one line for all, of a tensor whose numbers stand above; empty if it is plain."""
        best = block.example
        return "" if best is None else self.equation(block, best)

    def equation(self, block: Lines, line: Worked) -> str:
        """Write a line as `name[0] = numbers = result`."""
        written = self.numbers.alone(line, block.places, block.leaves)
        result = minus(written.result)
        numbers = self.arithmetic(line.expression, written.leaf)
        middle = "" if numbers == result else f"{numbers} = "
        return f"{block.name}{line.label} = {middle}{result}{self.behind(line, written)}"

    def failed(self, block: Lines) -> list[str]:
        """Write the lines that failed, of those whose numbers stand elsewhere."""
        return [self.equation(block, line) for line in block.lines if not line.agrees]

    def behind(self, line: Worked, written: LineNumbers) -> str:
        """Say what stands behind a line's result; mostly nothing."""
        return (f", {minus(written.remark)}" if written.remark else "") + self.failure(line)

    def failure(self, line: Worked) -> str:
        """Say what PyTorch has, when a line does not agree with it."""
        if line.agrees:
            return ""
        return f" ✗ PyTorch has {self.one(float(line.reference or 0.0), 'exact')}"

    def _failures(self, block: Lines, i: int) -> str:
        failures = self.failure(block.lines[i])
        return failures + self.failure(block.after.lines[i]) if block.after else failures

    def _column(self, lines: Sequence[Worked], places: Places) -> list[str]:
        return list(map(minus, self.numbers.column([line.shown for line in lines], places)))

    def _summands(self, line: Worked, columns: int, leaf: Write) -> tuple[str, ...]:
        terms = (line.expression,) if columns == 1 else terms_of(line.expression)
        return tuple(self.arithmetic(term, leaf) for term in terms)


def _slice(start: int, count: int, whole: int) -> str:
    return ":" if count == whole else f"{start}:{start + count}"


def minus(text: str) -> str:
    """Write the signs of numbers as a typeset page has them; not those of an exponent.

    Examples
    --------
    >>> minus("-0.5000"), minus("6.1e-07"), minus(" - ")
    ('−0.5000', '6.1e−07', ' − ')
    """
    return text.replace("-", MINUS)


def left_out(count: int) -> str:
    """Say how many lines are not shown."""
    return f"… {count:,} more left out"


def result_columns(table: Table) -> tuple[Column, ...]:
    """Return a table's columns, with one for the reasons at the rows' ends if there are any."""
    return (*table.columns, Column("", "text")) if any(table.reasons) else table.columns


def shape_text(block: Matrix | Summary) -> str:
    """Write a tensor's shape as PyTorch does."""
    return str(list(np.asarray(block.array).shape))
