"""The page of marked sheets: each answer with its verdict, and what was probably mistaken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ...analysis.exercise.marking import Mark, MarkedSheet
from ...analysis.exercise.mistakes import SENTENCES
from ..blocks import Block, Column, Heading, Note, Prose, Walkthrough
from ..phrases import counted
from .draft import table

DEGENERATE = "All answers are the same number, which earns nothing."
SIGNS = {"right": "right", "carried": "right from an earlier answer", "wrong": "wrong"}


def marks(sheets: Sequence[MarkedSheet], title: str) -> Walkthrough:
    """Compose the page of some marked sheets; of several the whole comes first."""
    blocks: list[Block] = []
    if len(sheets) > 1:
        blocks += _class(sheets)
    for number, sheet in enumerate(sheets, start=1 + bool(blocks)):
        blocks += _sheet(sheet, number)
    return Walkthrough("mark", title, (), tuple(blocks), contents=False)


def score(sheet: MarkedSheet) -> str:
    """Write what a sheet has earned."""
    return f"{sheet.points} of {len(sheet.marks)}"


def _class(sheets: Sequence[MarkedSheet]) -> Iterator[Block]:
    yield Heading(1, "The class", counted(len(sheets), "sheet"))
    yield table(
        sheets,
        (Column("student", "label"), lambda sheet: sheet.student),
        (Column("sheet", "text"), lambda sheet: sheet.sheet),
        (Column("points", "text"), score),
    )
    mistakes = Counter(m.misconception for each in sheets for m in each.marks if m.misconception)
    for name, count in mistakes.most_common():
        yield Prose(f"{count} × {SENTENCES[name]}")


def _sheet(sheet: MarkedSheet, number: int) -> Iterator[Block]:
    whose = f"{sheet.student} · " if sheet.student else ""
    yield Heading(number, f"Sheet {sheet.sheet}", f"{whose}{score(sheet)} points")
    yield table(
        sheet.marks,
        (Column("blank", "label"), lambda mark: mark.blank),
        (Column("number", "text"), lambda mark: mark.name),
        (Column("answer", "value"), lambda mark: mark.answer or "–"),
        (Column("expected", "value"), lambda mark: mark.expected),
        (Column("verdict", "text"), lambda mark: SIGNS[mark.verdict]),
    )
    if sheet.degenerate:
        yield Note(DEGENERATE, "warning")
    for mark in sheet.marks:
        if mark.sentence:
            yield Prose(remark(mark))


def remark(mark: Mark) -> str:
    """Say what was probably mistaken at a blank."""
    return f"Blank {mark.blank}, {mark.name}: {mark.sentence}"
