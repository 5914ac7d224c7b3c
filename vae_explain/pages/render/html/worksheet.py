"""Exercise sheets as one HTML file that marks itself, with hints one at a time.

What the page knows of its answers are the key's trees, and those of the usual mistakes, so that
it says what `mark` would say. As of every page of ours, a content policy lets nothing else in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ....analysis.exercise.key import Blank, Sheet
from ....analysis.exercise.mistakes import MISTAKES, SENTENCES
from ....analysis.exercise.sheets import Worksheet
from ....analysis.exercise.trees import to_json
from ....symbolic.expression import Number, Ref
from ....symbolic.text import constant_text, symbol_text, to_text
from ...blocks import Block, SheetQuestions, Walkthrough
from ..numbers import Numbers
from ..typeset import minus
from .document import HtmlPage, assembled, beside
from .escaping import escape
from .links import Links

_EXPORT = re.compile(r"^export ", re.MULTILINE)
MOST_MISTAKES = 80  # trees of one blank


def write(walkthrough: Walkthrough, sheets: Sequence[Worksheet]) -> str:
    """Return sheets as a whole HTML file."""
    numbers = Numbers(None)
    first = _Sheets(walkthrough, "", Links(numbers))
    first.body()
    page = _Sheets(walkthrough, "", Links(numbers, first.links))
    body = page.body()
    known = {"sheets": [_known(sheet) for sheet in sheets], "sentences": SENTENCES}
    data = json.dumps(known, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    style = beside("style.css") + beside("worksheet.css")
    # The live page's functions, in one script with ours.
    functions = _EXPORT.sub("", beside("live/functions.mjs"))
    script = f'(() => {{\n"use strict";\n{functions}{beside("worksheet.mjs")}}})();\n'
    return assembled(walkthrough.title, body, data, style, script, "")


class _Sheets(HtmlPage):
    """The body of the sheets, with fields to fill in."""

    def block(self, block: Block) -> str:
        """Return one block, the blanks as a form."""
        return _form(block) if isinstance(block, SheetQuestions) else super().block(block)


def _form(block: SheetQuestions) -> str:
    items = "".join(_item(block.sheet, *each) for each in block.names.items())
    return (
        f'<ol class="questions">{items}</ol>'
        f'<p class="score">Right: <output class="points">0 of {len(block.names)}</output></p>'
    )


def _item(sheet: str, number: str, name: str) -> str:
    at = f"blank:{sheet}:{number}"
    return (
        f'<li><span class="id" aria-hidden="true">({number})</span>'
        f'<label for="{at}">{escape(name)}</label>'
        f'<input id="{at}" inputmode="text" autocomplete="off" spellcheck="false" '
        f'aria-describedby="{at}:verdict">'
        f'<button type="button" hidden aria-controls="{at}:hints" '
        f'aria-label="Hint for {escape(name)}">Hint</button>'
        f'<p class="verdict" id="{at}:verdict" role="status"></p>'
        f'<div class="hints" id="{at}:hints" aria-live="polite"></div></li>'
    )


def _known(worksheet: Worksheet) -> dict[str, Any]:
    """Return what the page has to know of a sheet, with names and trees as its key has them."""
    sheet = worksheet.sheet
    return {
        "given": sheet.given,
        "blanks": [
            {
                "id": blank.entry.id,
                "name": blank.entry.name,
                "decimals": blank.entry.decimals,
                "expected": blank.entry.expected,
                "unit": blank.unit,
                "tolerance": sheet.tolerances[blank.entry.id],
                "uses": blank.uses,
                "tree": blank.entry.tree,
                "mistakes": list(_mistakes(blank, sheet)),
                "hints": _hints(worksheet, blank),
            }
            for blank in sheet.blanks
        ],
    }


def _mistakes(blank: Blank, sheet: Sheet) -> Iterator[tuple[str, Any]]:
    """Yield the trees of the usual mistakes, each once."""
    seen = {json.dumps(blank.entry.tree)}
    for mistake in MISTAKES:
        for tree in mistake.trees(blank, sheet):
            written = to_json(tree)
            text = json.dumps(written)
            if text not in seen and len(seen) <= MOST_MISTAKES:
                seen.add(text)
                yield mistake.id, written


def _hints(worksheet: Worksheet, blank: Blank) -> list[str]:
    """Return the hints: the formula of the number, then with its numbers, then what it gives."""

    def shown(leaf: Number | Ref) -> str:
        if isinstance(leaf, Number):
            return constant_text(leaf.value)
        return worksheet.cell(symbol_text(leaf))

    name = blank.entry.name
    return [
        f"{name} = {to_text(blank.tree)}",
        f"{name} = {minus(to_text(blank.tree, shown))}",
        f"{name} = {minus(f'{blank.entry.expected:.{blank.entry.decimals}f}')}",
    ]
