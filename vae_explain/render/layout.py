"""Blocks laid out as lines of styled pieces for a given width; knows no terminal library.

A number is never cut and never broken: what does not fit is shown another way. Rows of
factors give way to rows of products, those to lines broken between summands; tables and
matrices that are too wide are stacked in groups of columns.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple, assert_never

import numpy as np

from ..blocks import (
    Block,
    Cell,
    Column,
    Diagram,
    Formula,
    Heading,
    Lines,
    Matrix,
    Note,
    Prose,
    Table,
    Walkthrough,
    Worked,
)
from ..expression import Add, Expression, evaluate
from ..writing import Token, to_latex, to_tokens
from .numbers import Numbers
from .symbols import Symbols


class Piece(NamedTuple):
    """Some text and what it is, which the terminal turns into a colour."""

    text: str
    style: str = ""


Line = list[Piece]
INDENT = 4
MOST_ROWS = 24  # of a matrix; the rest is counted
MOST_GROUPS = 4  # of columns stacked under each other
MOST_WORKED = 24  # lines that broken rows may take before one of them stands for all


class Layout:
    """Lays out a walkthrough for one width."""

    def __init__(self, width: int, numbers: Numbers, symbols: Symbols) -> None:
        self.width = max(width, 40)
        self.room = self.width - INDENT
        self.numbers = numbers
        self.symbols = symbols

    def page(self, walkthrough: Walkthrough) -> list[Line]:
        """Return the whole page."""
        command = f"vae-explain {walkthrough.command}"
        lines: list[Line] = []
        title = self.symbols(walkthrough.title)
        if len(command) + 3 + len(title) <= self.width:
            lines.append([Piece(command, "bold"), Piece("   " + title)])
        else:
            lines.append([Piece(command, "bold")])
            lines += [[Piece(text)] for text in textwrap.wrap(title, self.width)]
        for remark in walkthrough.remarks:
            lines += self._wrapped(remark, self.width, "dim")
        for block in walkthrough.blocks:
            laid = self.block(block)
            lines += [[], *laid] if laid else []
        return lines

    def block(self, block: Block) -> list[Line]:
        """Return one block; a new kind of block is an error until it has a case here."""
        match block:
            case Heading():
                return self._heading(block)
            case Prose(text):
                return self._indented(self._wrapped(text, self.room, ""))
            case Note():
                return self._note(block)
            case Formula():
                return self._indented(self._formula(block))
            case Lines():
                return self._indented(self._lines(block))
            case Matrix():
                return self._indented(self._matrix(block))
            case Table():
                return self._indented(self._table(block))
            case Diagram():
                return self._indented(self._diagram(block))
            case _:
                assert_never(block)

    # --- words ---

    def _wrapped(self, text: str, width: int, style: str) -> list[Line]:
        plain = self.symbols(text)
        return [[Piece(part, style)] for part in textwrap.wrap(plain, width)]

    def _indented(self, lines: list[Line], by: int = INDENT) -> list[Line]:
        return [[Piece(" " * by), *line] if line else [] for line in lines]

    def _heading(self, heading: Heading) -> list[Line]:
        badge = Piece(f" {heading.number} ", "badge")
        title = self.symbols(heading.title)
        detail = self.symbols(heading.detail)
        used = len(badge.text) + 1
        lines: list[Line] = []
        wrapped = textwrap.wrap(title, self.width - used) or [""]
        lines.append([badge, Piece(" "), Piece(wrapped[0], "bold")])
        lines += [[Piece(" " * used), Piece(text, "bold")] for text in wrapped[1:]]
        if not detail:
            return lines
        if len(wrapped) == 1 and used + len(title) + 3 + len(detail) <= self.width:
            lines[0] += [Piece("   "), Piece(detail, "dim")]
            return lines
        return lines + self._indented(self._wrapped(detail, self.width - used, "dim"), used)

    def _note(self, note: Note) -> list[Line]:
        mark, style = {
            "plain": ("", "dim"),
            "check": (self.symbols.check, "check"),
            "failure": (self.symbols.cross, "failure"),
            "warning": (self.symbols.warning, "warning"),
        }[note.tone]
        lead = f"{mark} " if mark else ""
        text = self._wrapped(note.text, self.room - len(lead), style)
        lines = [
            [Piece(lead if i == 0 else " " * len(lead), style), *line]
            for i, line in enumerate(text)
        ]
        return self._indented(lines)

    # --- arithmetic ---

    def _tokens(self, expression: Expression, numbers: bool) -> list[Piece]:
        written = to_tokens(expression, self.numbers.leaf) if numbers else to_tokens(expression)
        return [self._piece(token) for token in written]

    def _piece(self, token: Token) -> Piece:
        return Piece(self.symbols(token.text), token.role)

    def _formula(self, formula: Formula) -> list[Line]:
        left = Piece(self.symbols(formula.left), "accent" if formula.accent else "bold")
        lines = self._equation([left], self._tokens(formula.expression, numbers=False))
        if not formula.remark:
            return lines
        remark = self.symbols(formula.remark)
        if len(lines) == 1 and width_of(lines[0]) + 4 + len(remark) <= self.room:
            lines[0] += [Piece("    "), Piece(remark, "dim")]
            return lines
        return lines + self._wrapped(remark, self.room, "dim")

    def _equation(
        self, left: list[Piece], right: list[Piece], tail: Line | None = None
    ) -> list[Line]:
        """Write `left = right tail`, broken before operators where it is too long."""
        tail = tail or []
        start: Line = [*left, Piece(" = ", "operator")] if left else []
        if width_of(start) + width_of(right) + width_of(tail) <= self.room:
            return [[*start, *right, *tail]]
        under = min(width_of(start), 2) if width_of(start) > self.room // 3 else width_of(start)
        lines: list[Line] = [start]
        current = start
        if under < width_of(start):
            current = [Piece(" " * under)]
            lines = [[*left, Piece(" =", "operator")], current]
        for atom in self._atoms(right, self.room - under):
            if width_of(current) + width_of(atom) > self.room and width_of(current) > under:
                current = [Piece(" " * under)]
                lines.append(current)
                atom = [Piece(atom[0].text.lstrip(), atom[0].style), *atom[1:]]
            current += atom
        if tail:
            if width_of(current) + width_of(tail) > self.room:
                current = [Piece(" " * under)]
                lines.append(current)
                tail = [Piece(tail[0].text.lstrip(), tail[0].style), *tail[1:]]
            current += tail
        return lines

    def _atoms(self, pieces: list[Piece], room: int) -> list[Line]:
        """Cut pieces before plus and minus signs, and a summand that is too long at its dots."""
        summands: list[Line] = [[]]
        for piece in pieces:
            if piece.style == "operator" and piece.text.strip() in ("+", "-") and summands[-1]:
                summands.append([])
            summands[-1].append(piece)
        atoms: list[Line] = []
        for summand in summands:
            if width_of(summand) <= room:
                atoms.append(summand)
                continue
            part: Line = []
            for piece in summand:
                dots = (self.symbols("·"), self.symbols(" @ "))
                if piece.style == "operator" and piece.text in dots and part:
                    atoms.append(part)
                    part = []
                part.append(piece)
            atoms.append(part)
        return atoms

    # --- worked lines ---

    def _lines(self, block: Lines) -> list[Line]:
        if block.quiet:
            return self._example(block)
        if block.columns and block.lines:
            for as_products in (False, True):
                rows = self._rows(block, as_products)
                if max(map(width_of, rows)) <= self.room:
                    return rows + self._left_out(block)
        worked = [self._worked(block, line) for line in block.lines]
        if len(block.lines) > 1 and max(map(len, worked)) > 1 and not block.latex:
            # The formula above names the tensor: the index is enough, and shorter.
            short = [self._worked(block, line, line.label) for line in block.lines]
            worked = short if sum(map(len, short)) < sum(map(len, worked)) else worked
        taken = sum(map(len, worked))
        if (block.columns and taken > MOST_WORKED) or len(worked) * 3 < taken > 3 * MOST_WORKED:
            return [*worked[0], [], *self._results(block), *self._left_out(block)]
        lines = [line for group in worked for line in group]
        if block.after:
            lines += [[], *self._results(block)]
        if block.total:
            lines += self._total(block)
        return lines + self._left_out(block)

    def _left_out(self, block: Lines) -> list[Line]:
        if not block.omitted:
            return []
        return [[Piece(self.symbols(f"… {block.omitted:,} more left out"), "dim")]]

    def _example(self, block: Lines) -> list[Line]:
        """Show one line for all, of a tensor whose numbers stand above."""
        best = max(block.lines, key=lambda line: abs(line.shown))
        if len(to_tokens(best.expression)) == 1:
            return []  # a number that is passed on as it is needs no example
        worked = self._worked(block, best)
        lead = Piece("for example  ", "dim")
        if len(worked) == 1 and width_of(worked[0]) + len(lead.text) <= self.room:
            return [[lead, *worked[0]]]
        return [[lead], *worked]

    def _shown(self, block: Lines) -> list[str]:
        return self.numbers.column([line.shown for line in block.lines], block.places)

    def _result(self, block: Lines, line: Worked, accent: bool = True) -> Line:
        place = block.lines.index(line) if line in block.lines else -1
        places = "value" if block.total and line is not block.total else block.places
        values = [entry.shown for entry in block.lines] if place >= 0 else [line.shown]
        text = self.numbers.column(values, places)[place]
        style = "dim" if line.shown == 0 else ("accent" if accent else "bold")
        pieces = [Piece(" = ", "operator"), Piece(text, style)]
        return pieces + self._failure(line)

    def _failure(self, line: Worked) -> Line:
        if line.agrees:
            return []
        held = self.numbers.one(float(line.reference or 0.0), "exact")
        return [Piece(f"  {self.symbols.cross} PyTorch has {held}", "failure")]

    def _worked(self, block: Lines, line: Worked, short: str = "") -> list[Line]:
        full = line.label if block.total and line.label else block.name + line.label
        label = [Piece(self.symbols(short or full), "bold")]
        constant = not to_tokens(line.expression) or len(to_tokens(line.expression)) == 1
        substituted = self._tokens(line.expression, numbers=True)
        if block.latex:
            symbols = self._equation(label, self._tokens(line.expression, numbers=False))
            numbers = self._equation([Piece("  ")], substituted, self._result(block, line))
            return [*symbols, *numbers, [Piece("  " + to_latex(line.expression), "dim")], []]
        if constant and "".join(p.text for p in substituted) == self._result(block, line)[1].text:
            return self._equation(label, [self._result(block, line)[1]])
        return self._equation(label, substituted, self._result(block, line))

    def _total(self, block: Lines) -> list[Line]:
        assert block.total is not None, "only called when there is one"
        words = f"sum of {len(block.lines) + block.omitted:,}"
        exact = self._result(block, block.total)
        return [[], [Piece(self.symbols(block.name), "bold"), *exact, Piece(f"   {words}", "dim")]]

    def _rows(self, block: Lines, as_products: bool) -> list[Line]:
        """One row a line, a column for each summand."""
        grid = [self._summands(line.expression, as_products) for line in block.lines]
        widths = [
            max(len(self.symbols(header)), *(width_of(row[j]) for row in grid))
            for j, header in enumerate(block.columns)
        ]
        shown = self._shown(block)
        after = self._after(block)
        label_width = max(len(block.head), *(len(line.label) - 2 for line in block.lines))
        value_width = max(len(block.name), *map(len, shown))
        head: Line = [Piece(block.head.rjust(label_width), "dim")]
        for header, width in zip(block.columns, widths, strict=True):
            head.append(Piece("  " + self.symbols(header).rjust(width), "dim"))
        head.append(Piece("     " + block.name.rjust(value_width), "dim"))
        after_width = 0
        if block.after:
            after_width = max(len(block.after.name), *map(len, after))
            head.append(Piece("     " + block.after.name.rjust(after_width), "dim"))
        lines = [head]
        for row, (line, cells) in enumerate(zip(block.lines, grid, strict=True)):
            written: Line = [Piece(line.label.strip("[]").rjust(label_width), "dim")]
            for cell, width in zip(cells, widths, strict=True):
                written += [Piece("  " + " " * (width - width_of(cell))), *cell]
            style = "bold" if block.after else ("dim" if line.shown == 0 else "accent")
            written += [Piece("  =  ", "operator"), Piece(shown[row].rjust(value_width), style)]
            written += self._failure(line)
            if block.after:
                closed = block.after.closed[row]
                arrow = self.symbols("→")
                written += [
                    Piece(f"  {arrow}  ", "operator"),
                    Piece(after[row].rjust(after_width), "dim" if closed else "accent"),
                    Piece(f"  {block.after.word}" if closed else "", "dim"),
                ]
            lines.append(written)
        return lines

    def _after(self, block: Lines) -> list[str]:
        if not block.after:
            return []
        return self.numbers.column([line.shown for line in block.after.lines], block.places)

    def _summands(self, expression: Expression, as_products: bool) -> list[Line]:
        terms = expression.terms if isinstance(expression, Add) else (expression,)
        if as_products:
            products = [evaluate(term) for term in terms]
            return [[Piece(self.numbers.one(p, "parameter"), "value")] for p in products]
        return [self._tokens(term, numbers=True) for term in terms]

    def _results(self, block: Lines) -> list[Line]:
        """A small table of what the lines give, when the lines themselves do not fit."""
        columns = [
            Column(block.head, "label"),
            Column(block.name, "value", block.places, accent=not block.after),
        ]
        rows: list[list[Cell]] = [[line.label.strip("[]"), line.shown] for line in block.lines]
        dimmed: tuple[bool, ...] = ()
        reasons: tuple[str, ...] = ()
        if block.after:
            columns.append(Column(block.after.name, "value", block.places, accent=True))
            for row, line in zip(rows, block.after.lines, strict=True):
                row.append(line.shown)
            dimmed = block.after.closed
            reasons = tuple(block.after.word if closed else "" for closed in dimmed)
        return self._table(Table(tuple(columns), tuple(map(tuple, rows)), (), reasons))

    # --- tensors ---

    def _matrix(self, block: Matrix) -> list[Line]:
        array = np.asarray(block.array)
        shape = ", ".join(map(str, array.shape))
        name = Piece(self.symbols(block.name), "accent" if block.accent else block.role)
        size = Piece(f"[{shape}]", "dim")
        if array.ndim == 0:
            return [
                [
                    name,
                    Piece(" = ", "operator"),
                    Piece(self.numbers.one(float(array), block.places), "accent"),
                ]
            ]
        flat = array.reshape(1, -1) if array.ndim == 1 else array.reshape(-1, array.shape[-1])
        rows = _ends(flat.shape[0], MOST_ROWS)
        columns = _ends(flat.shape[1], self._most_columns(flat, block))
        chosen = flat[np.ix_(rows, columns)]
        minimum = "input" if block.places == "input" else block.places
        texts = self.numbers.column(chosen, minimum)
        if block.places == "input" and self.numbers.digits is None:
            texts = [text if "." in text or "e" in text else text + ".0" for text in texts]
        grid = np.array(texts, dtype=object).reshape(chosen.shape)
        width = max(map(len, texts), default=0)
        style = "accent" if block.accent else block.role
        lines: list[Line] = [[name, Piece("  "), size]]
        left_out = flat.size - chosen.size
        groups = self._groups(len(columns), width + 2, 4)
        for group in groups:
            if len(groups) > 1 and flat.shape[0] > 1:
                first, last = columns[group[0]], columns[group[-1]]
                label = f"columns {first} to {last}" if first != last else f"column {first}"
                lines.append([Piece(label, "dim")])
            for i in range(len(rows)):
                opening, closing = self._brackets(i, len(rows), groups, group, flat.shape[0])
                row: Line = [Piece(opening, "dim")]
                for j in group:
                    zero = chosen[i, j] == 0
                    row.append(Piece("  " + grid[i, j].rjust(width), "dim" if zero else style))
                row.append(Piece(closing, "dim"))
                lines.append(row)
        if left_out:
            lines.append(
                [Piece(self.symbols(f"… {left_out:,} of {flat.size:,} numbers left out"), "dim")]
            )
        return lines

    def _brackets(
        self, row: int, rows: int, groups: list[list[int]], group: list[int], total: int
    ) -> tuple[str, str]:
        if total == 1:  # one row, perhaps broken: a bracket at its two ends
            return ("[" if group is groups[0] else " ", "  ]" if group is groups[-1] else "")
        return self.symbols.bracket(row, rows)

    def _most_columns(
        self, flat: np.ndarray[tuple[int, ...], np.dtype[np.generic]], block: Matrix
    ) -> int:
        sample = self.numbers.column(flat[:2, :8], block.places)
        return max(self.room // (max(map(len, sample), default=1) + 3), 1) * MOST_GROUPS

    def _groups(self, count: int, width: int, extra: int) -> list[list[int]]:
        """Split columns into groups that fit side by side."""
        fit = max((self.room - extra) // width, 1)
        return [list(range(i, min(i + fit, count))) for i in range(0, count, fit)]

    # --- tables ---

    def _table(self, table: Table) -> list[Line]:
        texts = [self._cells(table, j) for j in range(len(table.columns))]
        headers = [self.symbols(column.header) for column in table.columns]
        widths = [
            max(len(header), *map(len, cells)) if cells else len(header)
            for header, cells in zip(headers, texts, strict=True)
        ]
        reason_width = max((len(reason) + 2 for reason in table.reasons), default=0)
        groups: list[list[int]] = [[0]]
        used = widths[0]
        for j in range(1, len(widths)):
            if used + 2 + widths[j] > self.room and len(groups[-1]) > 1:
                groups.append([0])
                used = widths[0]
            groups[-1].append(j)
            used += 2 + widths[j]
        lines: list[Line] = []
        for group in groups:
            if lines:
                lines.append([])
            fits = sum(widths[j] + 2 for j in group) - 2 + reason_width <= self.room
            head = [self._aligned(table.columns[j], headers[j], widths[j]) for j in group]
            lines.append(_spaced([Piece(text, "dim") for text in head]))
            for i in range(len(table.rows)):
                pieces = [self._cell(table, i, j, texts[j][i], widths[j]) for j in group]
                line = _spaced(pieces)
                if fits and group is groups[-1] and table.reasons and table.reasons[i]:
                    line.append(Piece("  " + table.reasons[i], "dim"))
                lines.append(line)
        return lines

    def _aligned(self, column: Column, text: str, width: int) -> str:
        return text.ljust(width) if column.left else text.rjust(width)

    def _cells(self, table: Table, j: int) -> list[str]:
        column = table.columns[j]
        values = [row[j] for row in table.rows]
        numbers = [float(value) for value in values if not isinstance(value, str | int)]
        decimals = self.numbers.decimals(numbers, column.places)
        return [
            self.symbols(value)
            if isinstance(value, str)
            else f"{value:,}"
            if isinstance(value, int)
            else self.numbers.written(value, decimals)
            for value in values
        ]

    def _cell(self, table: Table, i: int, j: int, text: str, width: int) -> Piece:
        column, value = table.columns[j], table.rows[i][j]
        dimmed = bool(table.dimmed) and table.dimmed[i]
        style: str = "accent" if column.accent else column.role
        if column.role == "label" or dimmed or value == 0.0:
            style = "dim"
        if column.left and not dimmed:
            style = column.role
        return Piece(self._aligned(column, text, width), style)

    # --- the architecture ---

    def _diagram(self, block: Diagram) -> list[Line]:
        arrow = self.symbols("→")
        pieces: Line = []
        lines: list[Line] = [pieces]
        for position, (name, size) in enumerate(block.stages):
            lead = f" {arrow} " if position else ""
            width = len(lead) + len(name) + len(size) + 1
            if position and width_of(pieces) + width > self.room:
                pieces = [Piece("  ")]
                lines.append(pieces)
            pieces += [
                Piece(lead, "operator"),
                Piece(self.symbols(name), "bold"),
                Piece(f" {size}", "dim"),
            ]
        return lines


def width_of(line: Sequence[Piece]) -> int:
    """Return how many columns a line takes."""
    return sum(len(piece.text) for piece in line)


def _spaced(pieces: Sequence[Piece]) -> Line:
    line: Line = []
    for position, piece in enumerate(pieces):
        line += [Piece("  "), piece] if position else [piece]
    return line


def _ends(count: int, most: int) -> list[int]:
    """Return which of `count` positions are shown: all, or the first of them."""
    return list(range(min(count, most)))
