"""Arithmetic on a page: formulas, worked lines, and rows of lines that share their columns."""

from __future__ import annotations

from collections.abc import Sequence

from ....engine.worked_lines import Worked
from ....symbolic.expression import (
    Add,
    Expression,
    Number,
    Ref,
    terms_in,
    terms_of,
)
from ....symbolic.latex import to_latex
from ....symbolic.measure import evaluate
from ....symbolic.text import elided
from ...blocks import Cell, Column, Formula, Lines, Places, Table
from ..columns import columns, right
from ..numbers import LineNumbers, on_their_points, plain
from .filling import filled
from .grids import Grids
from .pieces import Canvas, Line, Piece, width_of

MOST_SUMMANDS = 24  # of a formula, as of a line: of a longer one its ends are written
MOST_WORKED = 24  # lines that broken rows may take before one of them stands for all


class Arithmetic:
    """Lays out formulas and worked lines on a canvas."""

    def __init__(self, canvas: Canvas, grids: Grids) -> None:
        self.canvas = canvas
        self.grids = grids

    def formula(self, formula: Formula) -> list[Line]:
        left = Piece(self.canvas.symbols(formula.left), "accent" if formula.accent else "bold")
        written = elided(formula.expression, MOST_SUMMANDS)
        lines = self.equation([left], self.canvas.tokens(written))
        if not formula.remark:
            return lines
        remark = self.canvas.symbols(formula.remark)
        if len(lines) == 1 and width_of(lines[0]) + 4 + columns(remark) <= self.canvas.room:
            lines[0] += [Piece("    "), Piece(remark, "dim")]
            return lines
        return lines + self.canvas.wrapped(remark, self.canvas.room, "dim")

    def equation(
        self, left: list[Piece], right: list[Piece], tail: Line | None = None
    ) -> list[Line]:
        """Write `left = right tail`, broken into lines where it is too long."""
        tail = tail or []
        start: Line = [*left, Piece(" = ", "operator")] if left else []
        if width_of(start) + width_of(right) + width_of(tail) <= self.canvas.room:
            return [[*start, *right, *tail]]
        under = (
            min(width_of(start), 2) if width_of(start) > self.canvas.room // 3 else width_of(start)
        )
        lines: list[Line] = []
        if under < width_of(start):
            lines, start = [[*left, Piece(" =", "operator")]], [Piece(" " * under)]
        equals = 2 if tail and tail[0].style == "operator" else 0  # stays with the result
        ends = [tail[:equals]] if equals else []
        ends += [[piece] for piece in tail[equals:]]
        return lines + filled(start, under, right, ends, self.canvas)

    def lines(self, block: Lines) -> list[Line]:
        """Lay out worked lines, in columns if they share them and fit."""
        if block.quiet:
            return self._example(block) + self._failed(block.name, block.lines, block.places)
        if block.share_columns and block.lines:
            for as_products in (False, True):
                rows = self._rows(block, as_products)
                if max(map(width_of, rows)) <= self.canvas.room:
                    return rows + self._after_failed(block) + self._left_out(block)
        worked = self._all_worked(block)
        taken = sum(map(len, worked))
        if block.columns and taken > MOST_WORKED:
            pairs = enumerate(zip(block.lines, worked, strict=True))
            kept = [group for i, (line, group) in pairs if i == 0 or not line.agrees]
            lines = [line for group in kept for line in group]
            return [*lines, [], *self._results(block), *self._left_out(block)]
        lines = [line for group in worked for line in group]
        if block.after:
            lines += [[], *self._results(block)]
        if block.total:  # of what is left out as well
            return lines + self._left_out(block) + self._total(block)
        return lines + self._left_out(block)

    def _all_worked(self, block: Lines) -> list[list[Line]]:
        written = self._numbers(block)
        marks = _even([line.label for line in block.lines])
        full = marks if block.total else [block.name + mark for mark in marks]
        if block.latex:
            named = zip(block.lines, full, written, strict=True)
            worked = [self._with_latex(*entry) for entry in named]
            return [[*group, []] for group in worked[:-1]] + worked[-1:]
        entries = list(zip(block.lines, written, strict=True))
        worked = [self._worked(name, *entry) for name, entry in zip(full, entries, strict=True)]
        if len(worked) > 1 and max(map(len, worked)) > 1:
            # The formula above names the tensor: the index is enough, and shorter.
            short = [self._worked(mark, *entry) for mark, entry in zip(marks, entries, strict=True)]
            too_wide = max(columns(name) + 2 for name in full) > self.canvas.room
            shorter = sum(map(len, short)) < sum(map(len, worked))
            return short if too_wide or shorter else worked
        return worked

    def _left_out(self, block: Lines) -> list[Line]:
        if not block.omitted:
            return []
        return [[Piece(self.canvas.symbols(f"… {block.omitted:,} more left out"), "dim")]]

    def _example(self, block: Lines) -> list[Line]:
        """Show one line for all, of a tensor whose numbers stand above."""
        best = block.example
        if best is None:
            return []
        written = self.canvas.numbers.alone(best, block.places, block.leaves)
        worked = self._worked(block.name + best.label, best, written)
        lead = Piece("for example  ", "dim")
        if len(worked) == 1 and width_of(worked[0]) + len(lead.text) <= self.canvas.room:
            return [[lead, *worked[0]]]
        return [[lead], *worked]

    def _failed(self, name: str, lines: Sequence[Worked], places: Places) -> list[Line]:
        """Show the lines that failed, of those whose numbers stand elsewhere."""
        failed: list[Line] = []
        for line in lines:
            if not line.agrees:
                written = self.canvas.numbers.alone(line, places)
                failed += self._worked(name + line.label, line, written)
        return failed

    def _after_failed(self, block: Lines) -> list[Line]:
        if not block.after:
            return []
        return self._failed(block.after.name, block.after.lines, block.places)

    def _numbers(self, block: Lines) -> list[LineNumbers]:
        return self.canvas.numbers.lines(block.lines, block.result_places, block.leaves)

    def result(self, line: Worked, written: LineNumbers) -> Line:
        style = "dim" if line.shown == 0 else "accent"
        result = Piece(written.result, style)
        return [Piece(" = ", "operator"), result, *_remark(written), *self._failure(line)]

    def _failure(self, line: Worked) -> Line:
        if line.agrees:
            return []
        held = self.canvas.numbers.one(float(line.reference or 0.0), "exact")
        mark = f"  {self.canvas.symbols.cross} PyTorch has"
        return [Piece(mark, "failure"), Piece(f" {held}", "failure")]

    def _worked(self, name: str, line: Worked, written: LineNumbers) -> list[Line]:
        label = [Piece(self.canvas.symbols(name), "bold")]
        numbers = self.canvas.tokens(line.expression, written.leaf)
        tail = self.result(line, written)
        passed_on = isinstance(line.expression, Number | Ref)
        if passed_on and _same_number("".join(piece.text for piece in numbers), written.result):
            return self.equation(label, tail[1:])
        return self.equation(label, numbers, tail)

    def _with_latex(self, line: Worked, name: str, written: LineNumbers) -> list[Line]:
        label = [Piece(self.canvas.symbols(name), "bold")]
        symbols = self.equation(label, self.canvas.tokens(line.expression))
        numbers = self.canvas.tokens(line.expression, written.leaf)
        worked = self.equation([Piece("  ")], numbers, self.result(line, written))
        # Not wrapped: LaTeX is there to be copied.
        return [
            *symbols,
            *worked,
            [Piece("  " + self.canvas.symbols(to_latex(line.expression)), "dim")],
        ]

    def _total(self, block: Lines) -> list[Line]:
        assert block.total is not None, "only called when there is one"
        count = sum(terms_in(line.expression) for line in block.lines) + block.omitted
        words = f"sum of {count:,}"
        text = self.canvas.numbers.one(block.total.shown, block.places)
        name = Piece(self.canvas.symbols(block.name), "bold")
        tail = [*self.result(block.total, plain(text)), Piece(f"   {words}", "dim")]
        return [[], *self.equation([name], [tail[1]], tail[2:])]

    def _rows(self, block: Lines, as_products: bool) -> list[Line]:
        """One row a line, a column for each summand."""
        lines, leaves = list(block.lines), block.leaves
        if as_products:  # with the digits of parameters, for the sake of room
            lines = [line._replace(expression=_products(line.expression)) for line in lines]
            leaves = "parameter"
        numbers = self.canvas.numbers.lines(lines, block.result_places, leaves)
        grid = [
            [self.canvas.tokens(term, written.leaf) for term in terms_of(line.expression)]
            for line, written in zip(lines, numbers, strict=True)
        ]
        widths = [
            max(columns(self.canvas.symbols(header)), *(width_of(row[j]) for row in grid))
            for j, header in enumerate(block.columns)
        ]
        shown = on_their_points([written.result for written in numbers])
        after = self._after(block)
        label_width = max(len(block.head), *(len(line.label) - 2 for line in block.lines))
        name = self.canvas.symbols(block.name)
        value_width = max(columns(name), *map(len, shown))
        head: Line = [Piece(block.head.rjust(label_width), "dim")]
        for header, width in zip(block.columns, widths, strict=True):
            head.append(Piece("  " + right(self.canvas.symbols(header), width), "dim"))
        head.append(Piece("     " + right(name, value_width), "dim"))
        after_width = 0
        if block.after:
            after_name = self.canvas.symbols(block.after.name)
            after_width = max(columns(after_name), *map(len, after))
            head.append(Piece("     " + right(after_name, after_width), "dim"))
        rows = [head]
        for row, (line, cells) in enumerate(zip(block.lines, grid, strict=True)):
            written: Line = [Piece(line.label.strip("[]").rjust(label_width), "dim")]
            for cell, width in zip(cells, widths, strict=True):
                written += [Piece("  " + " " * (width - width_of(cell))), *cell]
            style = "bold" if block.after else ("dim" if line.shown == 0 else "accent")
            written += [Piece("  =  ", "operator"), Piece(shown[row].rjust(value_width), style)]
            written += self._failure(line)
            if block.after:
                closed = block.after.closed[row]
                arrow = self.canvas.symbols("→")
                written += [
                    Piece(f"  {arrow}  ", "operator"),
                    Piece(after[row].rjust(after_width), "dim" if closed else "accent"),
                    Piece(f"  {block.after.word}" if closed else "", "dim"),
                ]
            rows.append([*written, *_remark(numbers[row])])
        return rows

    def _after(self, block: Lines) -> list[str]:
        if not block.after:
            return []
        return self.canvas.numbers.column([line.shown for line in block.after.lines], block.places)

    def _results(self, block: Lines) -> list[Line]:
        """A small table of what the lines give, when the lines themselves do not fit."""
        columns = [
            Column(block.head, "label"),
            Column(block.name, "value", block.places, accent=not block.after),
        ]
        rows: list[list[Cell]] = [[line.label.strip("[]"), line.shown] for line in block.lines]
        reasons: tuple[str, ...] = ()
        if block.after:
            columns.append(Column(block.after.name, "value", block.places, accent=True))
            for row, line in zip(rows, block.after.lines, strict=True):
                row.append(line.shown)
            reasons = tuple(block.after.word if closed else "" for closed in block.after.closed)
        table = Table(tuple(columns), tuple(map(tuple, rows)), (), reasons)
        return self.grids.table(table) + self._after_failed(block)


def _remark(written: LineNumbers) -> Line:
    """Return what stands behind a result; mostly nothing."""
    return [Piece(f"   {written.remark}", "dim")] if written.remark else []


def _products(expression: Expression) -> Expression:
    """Return a sum of the same terms, each as one number."""
    terms = enumerate(map(evaluate, terms_of(expression)))
    return Add(tuple(Ref("product", (j,), "value", term) for j, term in terms))


def _even(labels: list[str]) -> list[str]:
    """Give `[9]` the width of `[10]`, so that the equals signs stand under each other.

    Labels that are names of their own stay as they are.
    """
    if not all(label.startswith("[") for label in labels):
        return labels
    widest = max(map(columns, labels), default=0)
    return [label + " " * (widest - columns(label)) for label in labels]


def _same_number(text: str, other: str) -> bool:
    """Whether two numbers differ in nothing but the zeros at their end."""
    return text == other or _without_zeros(text) == _without_zeros(other)


def _without_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
