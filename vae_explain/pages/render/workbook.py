"""A run as a workbook of a spreadsheet, where a changed number changes all that follows from it.

Each chapter is a sheet. A number that was given is a coloured cell; every other is a formula over
cells, made from the tree that the pages have, beside PyTorch's number and the difference. What
has no formula that holds for other numbers keeps PyTorch's number as long as nothing is changed,
and is an error (#N/A) after that: a number that does not follow is not shown as one that does.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from ...analysis.training_records import Update
from ...engine.cell_formulas import CellFormulas, FormulasOfRun, is_given
from ...engine.formulas import gradient_name
from ...engine.roles import section_of
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...errors import UserError
from ...ops.conditions import undecided
from ...symbolic.expression import Expression, Ref
from ...symbolic.spreadsheet import FormulaWriter, NoFormula
from ...symbolic.text import index_text, to_text
from ...trace import Array
from ..walkthrough.header import heading_line, run_remarks
from .workbook_cells import SheetCell, cached, cell_text, digits, formats_of, grid

MOST_NUMBERS = 20_000  # with a formula: a sheet of more takes minutes to open
MOST_COLUMNS = 16_000  # of a sheet, which has 16384
START, INPUT, PARAMETERS, FORWARD, LOSS, BACKWARD, STEP, PARTS = (
    "Start", "Input", "Parameters", "Forward", "Loss", "Backward", "Step", "Parts"
)  # fmt: skip
CHANGED = f"{START}!$B$4"  # 1 where a given number is no longer the run's
CREATED = datetime(1980, 1, 1)  # so that the same run makes the same file
LEGEND = (
    "Change a yellow cell, and all that follows from it changes. Each tensor stands as it is "
    "computed here, as PyTorch had it in this run, and as the difference of the two."
)


class TooLarge(UserError):
    """A run with too many numbers for a workbook."""

    option = "--format"


def write(run: Run, moved: Update | None = None) -> bytes:
    """Return a run as an .xlsx file.

    Parameters
    ----------
    moved
        One step of gradient descent from the run; without it that chapter is left out.

    Raises
    ------
    TooLarge
        If the run has too many numbers.
    """
    return _Workbook(run, moved).to_bytes()


class _Workbook:
    def __init__(self, run: Run, moved: Update | None) -> None:
        import xlsxwriter
        from xlsxwriter.utility import xl_rowcol_to_cell

        self._to_text: Callable[..., str] = xl_rowcol_to_cell
        _require_small(run)
        self.run, self.title, self.moved = run, heading_line(run), moved
        self.formulas = FormulasOfRun(run)
        self.file = io.BytesIO()
        # A text stays a text, whatever it begins with.
        options = {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "nan_inf_to_errors": True,
        }
        self.book: Any = xlsxwriter.Workbook(self.file, options)
        self.book.set_properties({"title": cell_text(self.title), "created": CREATED})
        self.formats = formats_of(self.book)
        self.sheets: dict[str, Any] = {}
        self.rows: dict[str, int] = {}
        # Where the first number of a tensor is, and where its differences are.
        self.first: dict[tuple[int, bool], SheetCell] = {}
        self.differences: dict[str, list[str]] = {}
        self.off: dict[str, float] = {}  # the largest of each sheet
        self.further: dict[Expression, str] = {}
        self.fixed: list[tuple[str, str]] = []
        self.sheet = START

    def to_bytes(self) -> bytes:
        """Write all sheets and return the file."""
        for name in (START, INPUT, PARAMETERS, FORWARD, LOSS, BACKWARD, STEP, PARTS):
            if name != STEP or self.moved is not None:
                self._open(name)
        for value in self.run.trace.values:
            if is_given(self.run, value.id):
                is_learned = value.kind in ("parameter", "buffer")
                self._given(value.id, PARAMETERS if is_learned else INPUT)
        # Places first: a formula may speak of what stands further down.
        blocks = [*self.formulas.values, *self.formulas.gradients]
        rows = dict(self.rows)
        for block in blocks:
            self._place(block)
        self.rows = rows
        for block in blocks:
            self._block(block)
        if self.moved is not None:
            self._step(self.moved)
        self._start()
        self.book.close()
        return self.file.getvalue()

    # --- sheets ---

    def _open(self, name: str) -> None:
        sheet = self.sheets[name] = self.book.add_worksheet(name)
        sheet.set_column(0, 0, 28)
        sheet.set_column(1, MOST_COLUMNS, 11)
        self.rows[name] = 0
        if name != START:
            sheet.write_string(0, 0, f"{name}: {cell_text(self.title)}", self.formats["title"])
            self.rows[name] = 2

    def _sheet_of(self, block: CellFormulas) -> str:
        if block.gradient:
            return BACKWARD
        return LOSS if section_of(self.run, block.value_id) == "loss" else FORWARD

    def _start(self) -> None:
        sheet, formats = self.sheets[START], self.formats
        sheet.write_string(0, 0, cell_text(self.title), formats["title"])
        sheet.write_string(1, 0, cell_text("; ".join(run_remarks(self.run))), formats["words"])
        sheet.write_string(2, 0, LEGEND, formats["words"])
        differing = [
            each for name in (INPUT, PARAMETERS) for each in self.differences.get(name, ())
        ]
        sheet.write_string(3, 0, "a given number was changed: 1, else 0")
        changed = "+".join(f"SUMPRODUCT(--({each}<>0))" for each in differing) or "0"
        sheet.write_formula(3, 1, f"=IF({changed}>0,1,0)", formats["number"], 0)
        sheet.write_string(5, 0, "loss", formats["name"])
        place = self.first[self.run.trace.output, False]
        loss = float(np.asarray(self.run.values[self.run.trace.output], np.float64).ravel()[0])
        sheet.write_formula(5, 1, f"={self._text(place, absolute=True)}", formats["exact"], loss)
        sheet.write_string(7, 0, "chapter", formats["name"])
        sheet.write_string(7, 1, "largest difference from PyTorch", formats["name"])
        row = 8
        for name, ranges in self.differences.items():
            listed = ",".join(f"MAX({each}),-MIN({each})" for each in ranges[:100])
            sheet.write_string(row, 0, name)
            off = cached(self.off[name])
            sheet.write_formula(row, 1, f"=MAX({listed})", formats["difference"], off)
            row += 1
        if self.fixed:
            words = "These have no formula here, and are #N/A once a given number is changed:"
            sheet.write_string(row + 1, 0, words, formats["name"])
            for at, (name, reason) in enumerate(self.fixed, row + 2):
                sheet.write_string(at, 0, cell_text(name))
                sheet.write_string(at, 1, cell_text(reason))
        sheet.activate()

    # --- blocks of numbers ---

    def _place(self, block: CellFormulas) -> None:
        """Reserve the cells of a tensor."""
        sheet = self._sheet_of(block)
        rows, _ = grid(self.run.values[block.value_id])
        self.first[block.value_id, block.gradient] = SheetCell(sheet, self.rows[sheet] + 2, 1)
        self.rows[sheet] += len(rows) + 4

    def _given(self, value_id: int, sheet: str) -> None:
        value, array = self.run.trace.values[value_id], self.run.values[value_id]
        name = value.name or f"constant {value_id}"
        is_real = array.dtype.kind == "f"
        note = value.kind if is_real else f"{value.kind}: whole numbers, which are fixed here"
        row = self._heading(sheet, name, array, note, with_pytorch=is_real)
        self.first[value_id, False] = SheetCell(sheet, row, 1)

        def put(at: tuple[int, int], index: tuple[int, ...]) -> float:
            number = float(array[index])
            if is_real:
                self.sheets[sheet].write_number(*at, number, self.formats["given"])
            else:
                self.sheets[sheet].write_string(*at, str(array[index]), self.formats["number"])
            return number

        self._numbers(sheet, row, array, put, array if is_real else None)

    def _block(self, block: CellFormulas) -> None:
        run, sheet = self.run, self._sheet_of(block)
        value_id, label = block.value_id, run.trace.values[block.value_id].label
        shown = (run.gradients if block.gradient else run.values)[value_id]
        recorded = run.trace.gradients[value_id] if block.gradient else run.trace.values[value_id]
        reference = recorded if isinstance(recorded, np.ndarray) else recorded.array
        name = gradient_name(run, value_id) if block.gradient else label
        written, reason = self._written(block)
        if reason:
            self.fixed.append((name, reason))
        note = f"no formula: {reason}" if reason else self._formula_in_words(block)
        row = self._heading(sheet, name, shown, note)

        def put(at: tuple[int, int], index: tuple[int, ...]) -> float:
            number = float(shown[index])
            text = written.get(index) or f"IF({CHANGED}=0,{digits(float(reference[index]))},NA())"
            form = self.formats["fixed" if reason else "number"]
            self.sheets[sheet].write_formula(*at, f"={text}", form, cached(number))
            return number

        self._numbers(sheet, row, shown, put, reference)

    def _written(self, block: CellFormulas) -> tuple[Mapping[Any, str], str]:
        """Return the formulas of a tensor's cells, or why there are none."""
        if block.reason:
            return {}, block.reason
        writer = FormulaWriter(lambda ref: self._cell(ref, writer), self._put_apart)
        try:
            return {at: writer.formula(each) for at, each in block.elements.items()}, ""
        except NoFormula as reason:
            return {}, str(reason)

    def _cell(self, ref: Ref, writer: FormulaWriter) -> str:
        if ref.made is not None:
            if ref not in self.further:
                with undecided():
                    made = ref.made()
                self._put_apart(ref, writer.formula(made))
            return self.further[ref]
        value_id, of_gradient = self.formulas.places[ref.name]
        array = self.run.values[value_id]
        index = self.formulas.steps.full_index(value_id, ref.index or ())
        is_real = array.dtype.kind == "f" or of_gradient
        if (value_id, of_gradient) not in self.first or not is_real:
            return f"({digits(float(array[index]))})"  # a constant, or a whole number
        rows, _ = grid(array)
        first = self.first[value_id, of_gradient]
        at = rows.index(index[:-1]), index[-1] if index else 0
        return self._text(SheetCell(first.sheet, first.row + at[0], first.column + at[1]))

    def _put_apart(self, node: Expression, text: str) -> str:
        """Put a part of a formula into a cell of its own; the same part has one cell."""
        if node not in self.further:
            row = self.rows[PARTS]
            self.sheets[PARTS].write_formula(row, 1, f"={text}")
            self.rows[PARTS] += 1
            self.further[node] = f"{PARTS}!$B${row + 1}"
        return self.further[node]

    def _formula_in_words(self, block: CellFormulas) -> str:
        steps = self.formulas.steps
        if block.gradient:
            formula = if_explained(lambda: steps.gradient(block.value_id, None))
        else:
            formula = if_explained(lambda: steps.formula(block.value_id))
        return "" if formula is None else f"= {to_text(formula)}"

    def _heading(
        self, sheet: str, name: str, array: Array, note: str, with_pytorch: bool = True
    ) -> int:
        """Write what stands above a tensor's numbers; return the row of the first of them."""
        row, page, formats = self.rows[sheet], self.sheets[sheet], self.formats
        shape = f"[{', '.join(map(str, array.shape))}]"
        page.write_string(row, 0, f"{cell_text(name)}  {shape}", formats["name"])
        page.write_string(row, 1, cell_text(note), formats["words"])
        rows, columns = grid(array)
        starts = {1: "here"}
        if with_pytorch:
            starts |= {2 + columns: "PyTorch", 3 + 2 * columns: "difference"}
        for column, word in starts.items():
            page.write_string(row + 1, column, word, formats["words"])
        self.rows[sheet] = row + len(rows) + 4
        return row + 2

    def _numbers(
        self,
        sheet: str,
        row: int,
        array: Array,
        put: Callable[[tuple[int, int], tuple[int, ...]], float],
        reference: Array | None,
    ) -> None:
        """Write a tensor, PyTorch's and the difference: `put` writes one number and returns it."""
        page, (rows, columns) = self.sheets[sheet], grid(array)
        for i, lead in enumerate(rows):
            page.write_string(row + i, 0, index_text(lead), self.formats["words"])
            for j in range(columns):
                index = (*lead, j) if array.ndim else ()
                shown = put((row + i, 1 + j), index)
                if reference is None:
                    continue
                number = float(reference[index])
                off = shown - number
                self.off[sheet] = max(self.off.get(sheet, 0.0), abs(off))
                theirs = row + i, 2 + columns + j
                page.write_number(*theirs, number, self.formats["number"])
                here = self._to_text(row + i, 1 + j)
                difference = f"={here}-{self._to_text(*theirs)}"
                at = row + i, 3 + 2 * columns + j
                page.write_formula(*at, difference, self.formats["difference"], cached(off))
        if reference is not None and array.size:
            start = self._to_text(row, 3 + 2 * columns, True, True)
            end = self._to_text(row + len(rows) - 1, 2 + 3 * columns, True, True)
            self.differences.setdefault(sheet, []).append(f"{sheet}!{start}:{end}")

    def _text(self, cell: SheetCell, absolute: bool = False) -> str:
        # With its sheet even there, for a part of a formula may move to another one.
        return f"{cell.sheet}!{self._to_text(cell.row, cell.column, absolute, absolute)}"

    # --- one step of learning ---

    def _step(self, moved: Update) -> None:
        page, row = self.sheets[STEP], self.rows[STEP]
        page.write_string(row, 0, "lr", self.formats["name"])
        page.write_number(row, 1, moved.step.lr, self.formats["given"])
        rate = f"{STEP}!{self._to_text(row, 1, True, True)}"
        self.rows[STEP] += 2
        for name, after in moved.step.after.items():
            value_id = self.run.value(name).id
            if (value_id, True) in self.first:
                note = f"= {name} - lr·{gradient_name(self.run, value_id)}"
                start = self._heading(STEP, f"{name}, new", np.asarray(after), note)
                self._moved(value_id, np.asarray(after), start, rate, moved.step.lr)

    def _moved(self, value_id: int, after: Array, start: int, rate: str, lr: float) -> None:
        """Write a parameter after the step, over the cells of itself and of its gradient."""
        before, slope = (
            np.asarray(arrays[value_id], np.float64)
            for arrays in (self.run.values, self.run.gradients)
        )
        firsts = self.first[value_id, False], self.first[value_id, True]

        def put(at: tuple[int, int], index: tuple[int, ...]) -> float:
            old, way = (
                self._text(SheetCell(c.sheet, c.row + at[0] - start, c.column + at[1] - 1))
                for c in firsts
            )
            number = float(before[index] - lr * slope[index])
            form = self.formats["number"]
            self.sheets[STEP].write_formula(*at, f"={old}-{rate}*{way}", form, number)
            return number

        self._numbers(STEP, start, after, put, after)


def _require_small(run: Run) -> None:
    values = run.trace.values
    count = sum(run.values[v.id].size for v in values if v.name is not None)
    count += sum(run.gradients[n].size for n in run.gradients if values[n].name is not None)
    if count > MOST_NUMBERS:
        raise TooLarge(
            f"the run has {count:,} numbers, and a workbook takes {MOST_NUMBERS:,} at most; "
            "give a smaller model or fewer rows, or write html",
            "--format",
            "xlsx",
        )
