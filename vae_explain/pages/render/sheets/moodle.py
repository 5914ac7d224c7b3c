"""Exercise sheets as Moodle XML: a cloze question each, in one category.

Each blank takes numbers within its tolerance. The usual mistakes are answers that earn nothing
and have a feedback. Moodle takes each blank by itself: it does not go on from wrong numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ....analysis.exercise.key import Blank, Sheet
from ....analysis.exercise.mistakes import MISTAKES
from ....analysis.exercise.sheets import Worksheet
from ....analysis.exercise.trees import value_of
from ...blocks import Walkthrough
from ...walkthrough.worksheet import blocks_of
from .plain_html import CELL, fragment, shown

MOST_MISTAKES = 6  # of one blank
PENALTY = "0.3333333"  # Moodle's own default


def write(walkthrough: Walkthrough, sheets: Sequence[Worksheet]) -> str:
    """Return sheets as a file that Moodle imports."""
    quiz = Element("quiz")
    category = SubElement(quiz, "question", type="category")
    _text(category, "category", f"$course$/{_plain(walkthrough.title)}")
    for sheet in sheets:
        _question(quiz, sheet)
    indent(quiz)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(quiz, encoding="unicode")}\n'


def _plain(title: str) -> str:
    return re.sub(r"[/$]", " ", title)  # which part categories


def _question(quiz: Element, worksheet: Worksheet) -> None:
    question = SubElement(quiz, "question", type="cloze")
    _text(question, "name", f"Sheet {worksheet.entry.sheet}")
    rows = "".join(
        f"<tr><td{CELL}>({blank.entry.id})</td><td>{shown(blank.entry.name)}</td>"
        f"<td>{_cloze(blank, worksheet.sheet)}</td></tr>"
        for blank in worksheet.sheet.blanks
    )
    text = f"{fragment(blocks_of(worksheet))}\n<table><tbody>{rows}</tbody></table>"
    _text(question, "questiontext", text, format="html")
    _text(question, "generalfeedback", "", format="html")
    SubElement(question, "penalty").text = PENALTY
    SubElement(question, "hidden").text = "0"


def _text(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(SubElement(parent, name, attributes), "text").text = text


def _cloze(blank: Blank, sheet: Sheet) -> str:
    entry = blank.entry
    tolerance = f"{sheet.tolerances[entry.id]:.{entry.decimals + 2}f}"
    answers = [f"={entry.expected:.{entry.decimals}f}:{tolerance}"]
    for value, sentence in usual_mistakes(blank, sheet):
        wrong = f"{round(value, entry.decimals) + 0.0:.{entry.decimals}f}"
        answers.append(f"%0%{wrong}:{blank.unit:.{entry.decimals}f}#{sentence}")
    return f"{{1:NUMERICAL:{'~'.join(answers)}}}"


def usual_mistakes(blank: Blank, sheet: Sheet) -> Iterator[tuple[float, str]]:
    """Yield what the usual mistakes give at a blank, apart from it and from each other."""
    tolerance = sheet.tolerances[blank.entry.id]
    taken = [blank.entry.expected]
    for mistake in MISTAKES:
        for tree in mistake.trees(blank, sheet):
            value = value_of(tree, sheet.expected)
            apart = all(abs(value - other) > tolerance + 2 * blank.unit for other in taken)
            if apart and len(taken) <= MOST_MISTAKES:
                taken.append(value)
                # Signs that Moodle reads for its own are not in these sentences but as these.
                yield value, re.sub(r"([~#}/\\\"])", r"\\\1", mistake.sentence)
                break
