"""The pages of exercise sheets: the numbers that are given, the formulas, and the blanks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ...analysis.exercise.candidates import RATE, Candidate
from ...analysis.exercise.sheets import WHOLE, Worksheet
from ...engine.formulas import Steps
from ...engine.value_formulas import if_explained
from ...symbolic.expression import Expression, Mul, Ref
from ...symbolic.text import gradient_parts, index_text, symbol_text
from ...trace import Array
from ..blocks import (
    Block,
    Column,
    Formula,
    Heading,
    Matrix,
    Note,
    Places,
    Prose,
    SheetQuestions,
    Table,
    Walkthrough,
)
from .glossary import has_gate

SHEET = "Exercise sheet"
MOST_COLUMNS = 8
PAIRS = 2  # numbers in a row of a list, each behind its name
ROWS = (
    "Indices count from 0: row i of a weight belongs to unit i of its layer. In the table of "
    "values the head of a column is the last index; an empty cell is not needed."
)
# Names that formulas have a sign for, and how that is said.
SIGNS = {
    "mu": "μ",
    "logvar": "log σ²",
    "variance": "σ²",
    "std": "σ",
    "eps": "ε",
    "recon_x": "x with a hat",
    "loss": "a curly L",
}
OPERATORS = "A @ B is the matrix product, Aᵀ is A transposed, and Σ adds up all elements."
GATE = "A gate [a > 0] is 1 where a is above 0, and 0 elsewhere."


def page(sheets: Sequence[Worksheet], title: str) -> Walkthrough:
    """Compose some sheets."""
    blocks = tuple(block for sheet in sheets for block in _Sheet(sheet).blocks())
    return Walkthrough("exercise", title, (), blocks, contents=False)


def blocks_of(sheet: Worksheet) -> list[Block]:
    """Return what stands above the blanks of a sheet, for a format whose formulas are text."""
    blocks = _Sheet(sheet, typeset=False).blocks()
    return [block for block in blocks if not isinstance(block, SheetQuestions)]


class _Sheet:
    def __init__(self, sheet: Worksheet, typeset: bool = True) -> None:
        self.sheet, self.run, self.typeset = sheet, sheet.run, typeset
        self.steps = Steps(sheet.run)
        self.number = int(sheet.entry.sheet)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the sheet."""
        seed = "" if self.run.seed is None else f"seed {self.run.seed} · "
        detail = f"{self.run.label} · {seed}sheet code {self.sheet.sheet.code}"
        yield Heading(self.number, SHEET, detail)
        yield Prose(f"Name: {'.' * 50}")
        yield Prose(self._task())
        yield Heading(1, "Given", chapter=self.number)
        yield from self._given()
        yield Heading(2, "Formulas", chapter=self.number)
        yield from self._formulas()
        yield Heading(3, "Find", chapter=self.number)
        entry = self.sheet.entry
        yield SheetQuestions(entry.sheet, {each.id: each.name for each in entry.blanks})

    def _task(self) -> str:
        names = {each.name for each in self.sheet.entry.blanks}
        uses = {symbol_text(ref) for each in self.sheet.blanks for ref in each.uses}
        again = "In a table, (3) stands for your answer to blank 3. " if names & uses else ""
        return (
            f"Find the {len(names)} numbers asked for at the end, each to "
            f"{self.sheet.wish.decimals} decimals; a last digit that is off by one counts as "
            f"right. Everything you need is on this sheet, and more; work with the numbers as they "
            f"stand on it. {again}{ROWS}"
        )

    # --- what is given ---

    def _given(self) -> Iterator[Block]:
        values = self.run.trace.by_name
        order = {name: value.id for name, value in values.items()}
        listed: list[Ref] = []
        rows: list[tuple[Ref, ...]] = []
        for name in sorted(
            self.sheet.shown, key=lambda name: (name not in order, order.get(name, 0))
        ):
            refs = self.sheet.shown[name]
            value = values.get(name)
            if value is not None and value.kind == "parameter" and value.array.size <= WHOLE:
                places: Places = "input" if self.sheet.wish.nice else "parameter"
                array: Array = np.round(self.run.array(name), self.sheet.wish.decimals)
                yield Matrix(name, array, "parameter", places)
            elif all(map(self._has_column, refs)):
                rows.append(refs)
            else:
                listed += refs
        if rows:
            yield self._rows(rows)
        if listed:
            yield self._list(listed)

    def _has_column(self, ref: Ref) -> bool:
        """Whether a number stands in a row of its tensor: in a list its name says where it is."""
        of = self.run.trace.by_name.get(gradient_parts(ref.name)[1])
        is_value = of is None or of.kind != "parameter"
        return is_value and ref.index is not None and (-1, *ref.index)[-1] in range(MOST_COLUMNS)

    def _rows(self, tensors: Iterable[tuple[Ref, ...]]) -> Table:
        """Return a table with a row for each tensor, or for each row of one."""
        rows: dict[str, dict[int, str]] = {}
        for ref in (ref for refs in tensors for ref in refs):
            assert ref.index, "only numbers with an index have a row"
            *before, last = ref.index
            name = ref.name + (index_text([*before]) if before else "")
            rows.setdefault(name, {})[last] = self.sheet.cell(symbol_text(ref))
        width = 1 + max(last for cells in rows.values() for last in cells)
        columns = (Column("index", "label"), *(Column(str(j), "value") for j in range(width)))
        return Table(
            columns,
            tuple(
                (name, *(cells.get(j, "") for j in range(width))) for name, cells in rows.items()
            ),
        )

    def _list(self, refs: Sequence[Ref]) -> Table:
        pairs = [(symbol_text(ref), self.sheet.cell(symbol_text(ref))) for ref in refs]
        pairs += [("", "")] * (-len(pairs) % PAIRS if len(pairs) > PAIRS else 0)
        across = min(PAIRS, len(pairs))
        columns = (Column("number", "text"), Column("value", "value")) * across
        rows = [pairs[at : at + across] for at in range(0, len(pairs), across)]
        return Table(columns, tuple(tuple(cell for pair in row for cell in pair) for row in rows))

    # --- formulas ---

    def _formulas(self) -> Iterator[Block]:
        seen: set[str] = set()
        gates = False
        for blank in self.sheet.blanks:
            gates = gates or has_gate(blank.tree)
            hidden = self.sheet.wish.difficulty == "hard" and blank.tensor.startswith("∂")
            if blank.tensor in seen or hidden:
                continue
            seen.add(blank.tensor)
            expression = if_explained(lambda blank=blank: self._formula(blank))  # type: ignore[misc]  # its only argument has a default
            if expression is not None:
                yield Formula(blank.tensor, expression)
        if self.sheet.wish.difficulty == "hard":
            yield from self._forward_formulas(seen)
            yield Prose("The gradients follow from these formulas by the chain rule.")
        signs = [f"{sign} for {name}" for name, sign in SIGNS.items() if name in self._names()]
        if not self.typeset:
            yield Note(OPERATORS)
        elif signs:
            yield Note(f"Formulas write {', '.join(signs)}.")
        if gates:
            yield Note(GATE)

    def _names(self) -> set[str]:
        """Return the names of all values that the sheet speaks of."""
        uses = {ref.name for blank in self.sheet.blanks for ref in blank.uses}
        tensors = uses | {blank.tensor for blank in self.sheet.blanks}
        return {part for name in tensors for part in gradient_parts(name)} | {
            self.run.trace.loss.name or ""
        }

    def _forward_formulas(self, seen: set[str]) -> Iterator[Block]:
        """Yield the formulas that the gradients asked for are derivatives of."""
        used = {
            gradient_parts(symbol_text(ref).partition("[")[0])[1]
            for blank in self.sheet.blanks
            for ref in (*blank.uses, Ref(blank.tensor))
        }
        for value_id in self.steps.named():
            name = self.run.trace.values[value_id].name or ""
            if self.run.trace.values[value_id].kind != "intermediate" or name in seen:
                continue
            if name in used or name == self.run.trace.loss.name:
                formula = if_explained(lambda v=value_id: self.steps.formula(v))  # type: ignore[misc]  # likewise
                if formula is not None:
                    yield Formula(name, formula)

    def _formula(self, blank: Candidate) -> Expression:
        values = self.run.trace.by_name
        if blank.topic == "update":
            name = blank.tensor.removesuffix("_new")
            at = values[name].id
            step = Mul((Ref(RATE, None, "constant", self.sheet.wish.rate),
                        self.steps.gradient_reference(at, None)))  # fmt: skip
            return self.steps.reference(at, None) - step
        of, at_name = gradient_parts(blank.tensor)
        if not of:
            return self.steps.formula(values[blank.tensor].id)
        term = of if any(of == term.name for term in self.run.trace.terms) else None
        term = None if of == (self.run.trace.loss.name or "loss") else term
        return self.steps.gradient(values[at_name].id, None, term)
