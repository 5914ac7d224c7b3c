"""Matrices and tables: numbers in columns, stacked in groups where they are too wide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...symbolic.text import index_text
from ...trace import rows_of
from ..blocks import Column, Matrix, Table
from .columns import broken_names, columns, left, right, wrap
from .numbers import on_their_points
from .pieces import Canvas, Line, Piece
from .slices import matrices

NARROWEST_HEADER = 12  # columns, in which a name above numbers is not broken further
NARROWEST_WORDS = 16  # columns; for less room the numbers beside them are stacked instead


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
        flat = array.reshape(1, -1) if array.ndim == 1 else rows_of(array)
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
        columns_of = [self.canvas.numbers.cells(table, j) for j in range(len(table.columns))]
        if table.adds:  # some numbers have guard digits
            for j in (table.adds.result, *table.adds.parts, *table.adds.less):
                columns_of[j] = on_their_points(columns_of[j])
        texts = [list(map(self.canvas.symbols, cells)) for cells in columns_of]
        headers = [[self.canvas.symbols(column.header)] for column in table.columns]
        # Words in the first and in the last column may take several lines.
        broken = [[[text] for text in cells] for cells in texts]
        reasons = [self.canvas.symbols(reason) for reason in table.reasons]
        bodies = [_widest(cells) for cells in texts]
        widths = [max(*pair) for pair in zip(map(_widest, headers), bodies, strict=True)]
        reason_width = max((columns(reason) + 2 for reason in reasons), default=0)

        def break_header(j: int, most: int) -> None:
            headers[j] = [part for h in headers[j] for part in broken_names(h, most)]
            widths[j] = max(_widest(headers[j]), bodies[j])

        if sum(widths) + 2 * (len(widths) - 1) + reason_width > self.canvas.room:
            if table.columns[-1].left and len(widths) > 1:
                most = max(self.canvas.room - widths[0] - 2, NARROWEST_WORDS)
                broken[-1] = [_broken(text, most) for text in texts[-1]]
                bodies[-1] = max(map(_widest, broken[-1]))
            headers = [_broken(h, body) for (h,), body in zip(headers, bodies, strict=True)]
            widths = [max(*pair) for pair in zip(map(_widest, headers), bodies, strict=True)]
            if sum(widths) + 2 * (len(widths) - 1) > self.canvas.room:
                for j, body in enumerate(bodies[1:], 1):  # names as well, at their joints
                    break_header(j, max(body, NARROWEST_HEADER))
            for j, width in enumerate(widths[1:], 1):
                most = max(self.canvas.room - widths[0] - 2, bodies[j])
                if width > most:
                    break_header(j, most)
            left = self.canvas.room - sum(width + 2 for width in widths[1:])
            if left < NARROWEST_WORDS:
                left = self.canvas.room - 2 - max(widths[1:], default=0)
            if table.columns[0].left and widths[0] > left:
                broken[0] = [
                    [part for word in _broken(text, left) for part in broken_names(word, left)]
                    for text in texts[0]
                ]
                widths[0] = max(map(_widest, [headers[0], *broken[0]]))
        lines: list[Line] = []
        for group in self._side_by_side(widths):
            lines += [[]] if lines else []
            fits = sum(widths[j] + 2 for j in group) - 2 + reason_width <= self.canvas.room
            height = max(len(headers[j]) for j in group)
            for k in range(height):
                heads = [([""] * height + headers[j])[len(headers[j]) + k] for j in group]
                pairs = zip(group, heads, strict=True)
                cells = [self._aligned(table.columns[j], text, widths[j]) for j, text in pairs]
                lines.append(_spaced([Piece(text, "dim") for text in cells]))
            for i in range(len(table.rows)):
                for k in range(max(len(broken[j][i]) for j in group)):
                    row = [[*broken[j][i], *[""] * k][k] for j in group]
                    pairs = zip(group, row, strict=True)
                    filled = [j for j, text in pairs if text or not k]
                    cut = group.index(filled[-1]) + 1
                    line = _spaced(
                        [
                            self._cell(table, i, j, text, widths[j])
                            for j, text in zip(group[:cut], row[:cut], strict=True)
                        ]
                    )
                    if not k and fits and group[-1] == len(widths) - 1 and reasons and reasons[i]:
                        line.append(Piece("  " + reasons[i], "dim"))
                    lines.append(line)
        return lines

    def _side_by_side(self, widths: list[int]) -> list[list[int]]:
        """Put columns into groups that fit, the first column in each."""
        groups: list[list[int]] = [[0]]
        used = widths[0]
        for j in range(1, len(widths)):
            if used + 2 + widths[j] > self.canvas.room and len(groups[-1]) > 1:
                groups.append([0])
                used = widths[0]
            groups[-1].append(j)
            used += 2 + widths[j]
        return groups

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


def _widest(texts: Sequence[str]) -> int:
    return max(map(columns, texts), default=0)


def _broken(text: str, width: int) -> list[str]:
    """Break a text between words; a longer word stays whole."""
    return wrap(text, width, break_long_words=False) or [""]


def _spaced(pieces: Sequence[Piece]) -> Line:
    line: Line = []
    for position, piece in enumerate(pieces):
        line += [Piece("  "), piece] if position else [piece]
    return line
