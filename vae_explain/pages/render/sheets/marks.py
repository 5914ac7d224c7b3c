"""Marked sheets as JSON, as the class's CSV, and as a page for each student."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...walkthrough import marks as page
from ..html import document
from ..structured.json import fields, text

if TYPE_CHECKING:
    from ....analysis.exercise.marking import MarkedSheet

OURS = "vae-explain mark"  # stands in every page that was written here


def dump(sheets: Sequence[MarkedSheet]) -> str:
    """Return marked sheets as one JSON object."""
    return text(
        "mark",
        sheets=[
            {
                **fields(sheet, "student sheet points"),
                "blanks": len(sheet.marks),
                "degenerate": sheet.degenerate,
            }
            for sheet in sheets
        ],
        blanks=[
            fields(sheet, "student sheet") | mark._asdict()
            for sheet in sheets
            for mark in sheet.marks
        ],
    )


def to_csv(sheets: Sequence[MarkedSheet]) -> str:
    """Return a line for each sheet: its points, each verdict, and the mistakes by name."""
    most = max(sheets, key=lambda sheet: len(sheet.marks))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    ids = [mark.blank for mark in most.marks]
    writer.writerow(["student", "sheet", "points", "blanks", *ids, "mistakes"])
    for sheet in sheets:
        verdicts: list[str] = [mark.verdict for mark in sheet.marks]
        verdicts += [""] * (len(ids) - len(verdicts))
        mistakes = " ".join(f"{m.blank}:{m.misconception}" for m in sheet.marks if m.misconception)
        student = re.sub(r"^(?=[=+@-])", "'", sheet.student)  # no formula of a spreadsheet
        row = [student, sheet.sheet, sheet.points, len(sheet.marks), *verdicts, mistakes]
        writer.writerow(row)
    return stream.getvalue()


def pages_of(sheets: Sequence[MarkedSheet], title: str) -> Iterator[tuple[str, str]]:
    """Yield a name and a page for each student."""
    by_student: dict[str, list[MarkedSheet]] = {}
    for sheet in sheets:
        by_student.setdefault(sheet.student, []).append(sheet)
    taken: set[str] = set()
    for student, own in by_student.items():
        stem = re.sub(r"[^\w.-]+", "-", student).strip("-.") or "student"
        number, name = 1, stem
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.lower())
        yield f"{name}.html", document.write(page.marks(own, title))


def is_ours(path: Path) -> bool:
    """Whether a page may stand there: nothing does, or one that was written here."""
    return not path.exists() or OURS in path.read_text("utf-8", "replace")
