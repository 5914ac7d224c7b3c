"""Matrices and tables: numbers in columns, stacked in groups where they are too wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....symbolic.text import index_text
from ....trace import rows_of
from ...blocks import Column, Matrix, Table
from ..columns import columns, left, right
from ..numbers import on_their_points
from ..slices import matrices
from .pieces import Canvas, Line, Piece
from .table_columns import GAP, TableColumns


class Grids:
    """Lays out matrices and tables on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def matrix(self, block: Matrix) -> list[Line]:
        array = np.asarray(block.array)
        shape = ", ".join(map(str, array.shape))
        name = Piece(self.canvas.symbols(block.name), "accent" if block.accent else block.role)
        size = Piece(f"[{shape}]", "dim")
        if array.ndim == 0:
            return [
                [
                    name,
                    Piece(" = ", "operator"),
                    Piece(self.canvas.numbers.one(float(array), block.places), "accent"),
                ]
            ]
        flat = rows_of(array)
        texts = self.canvas.numbers.entries(block)
        grid = np.array(texts, dtype=object).reshape(flat.shape)
        width = max(map(len, texts), default=0)
        style = "accent" if block.accent else block.role
        lines: list[Line] = [[name, Piece("  "), size]]
        groups = self._groups(flat.shape[1], width + 2, 4)
        for index, rows in matrices(block):
            for group in groups:
                labels = [block.name + index_text(index)] if index else []
                if len(groups) > 1 and flat.shape[0] > 1:
                    first, last = group[0], group[-1]
                    labels.append(
                        f"columns {first} to {last}" if first != last else f"column {first}"
                    )
                if labels:
                    lines += self.canvas.wrapped(", ".join(labels), self.canvas.room, "dim")
                for i in rows:
                    opening, closing = self._brackets(i - rows[0], len(rows), groups, group)
                    row: Line = [Piece(opening, "dim")]
                    for j in group:
                        zero = flat[i, j] == 0
                        row.append(Piece("  " + grid[i, j].rjust(width), "dim" if zero else style))
                    row.append(Piece(closing, "dim"))
                    lines.append(row)
        return lines

    def _brackets(
        self, row: int, rows: int, groups: list[list[int]], group: list[int]
    ) -> tuple[str, str]:
        if rows == 1:  # one row, perhaps broken: a bracket at its two ends
            return ("[" if group is groups[0] else " ", "  ]" if group is groups[-1] else "")
        return self.canvas.symbols.bracket(row, rows)

    def _groups(self, count: int, width: int, extra: int) -> list[list[int]]:
        """Split columns into groups that fit side by side."""
        fit = max((self.canvas.room - extra) // width, 1)
        return [list(range(i, min(i + fit, count))) for i in range(0, count, fit)]

    def table(self, table: Table) -> list[Line]:
        cells = [self.canvas.numbers.cells(table, j) for j in range(len(table.columns))]
        if table.adds:  # some numbers have guard digits
            for j in (table.adds.result, *table.adds.parts, *table.adds.less):
                cells[j] = on_their_points(cells[j])
        symbols = self.canvas.symbols
        headers = [symbols(column.header) for column in table.columns]
        shown = TableColumns(headers, [list(map(symbols, column)) for column in cells])
        reasons = [symbols(reason) for reason in table.reasons]
        beside = max((columns(reason) + GAP for reason in reasons), default=0)
        room = self.canvas.room
        shown.fit(room, beside, table.columns[0].left, table.columns[-1].left)
        lines: list[Line] = []
        for group in shown.side_by_side(room):
            is_last = group[-1] == len(table.columns) - 1
            has_reasons = is_last and shown.over(group) + beside <= room
            lines += [[]] if lines else []
            lines += self._heads(table, shown, group)
            for i in range(len(table.rows)):
                first, *others = self._row(table, shown, group, i)
                if has_reasons and reasons and reasons[i]:
                    first.append(Piece("  " + reasons[i], "dim"))
                lines += [first, *others]
        return lines

    def _heads(self, table: Table, shown: TableColumns, group: Sequence[int]) -> Iterator[Line]:
        for texts in shown.heads(group):
            pairs = zip(group, texts, strict=True)
            cells = [self._aligned(table.columns[j], text, shown.widths[j]) for j, text in pairs]
            yield _spaced([Piece(text, "dim") for text in cells])

    def _row(
        self, table: Table, shown: TableColumns, group: Sequence[int], i: int
    ) -> Iterator[Line]:
        for texts in shown.row(group, i):
            yield _spaced(
                [self._cell(table, i, j, text, shown.widths[j]) for j, text in texts.items()]
            )

    def _aligned(self, column: Column, text: str, width: int) -> str:
        return left(text, width) if column.left else right(text, width)

    def _cell(self, table: Table, i: int, j: int, text: str, width: int) -> Piece:
        column, value = table.columns[j], table.rows[i][j]
        dimmed = bool(table.dimmed) and table.dimmed[i]
        style: str = "accent" if column.accent else column.role
        style = "bold" if table.is_marked(i, j) else style
        if column.role == "label" or dimmed or value == 0.0:
            style = "dim"
        if column.left and not dimmed:
            style = column.role
        return Piece(self._aligned(column, text, width), style)


def _spaced(pieces: Sequence[Piece]) -> Line:
    line: Line = []
    for position, piece in enumerate(pieces):
        line += [Piece("  "), piece] if position else [piece]
    return line
