"""The formats that exercise sheets are written in."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from ..quick_classes import NamedTuple

if TYPE_CHECKING:
    from ..analysis.exercise.sheets import Worksheet


class SheetFormat(NamedTuple):
    """A format of exercise sheets.

    Attributes
    ----------
    suffixes
        What its files end with.
    module
        The module of `render/` that writes it.
    of_sheets
        Whether its `write` gets the sheets themselves, with their answers; else their page.
    is_text
        Whether it can be printed on a terminal.
    """

    suffixes: tuple[str, ...]
    module: str
    of_sheets: bool = False
    is_text: bool = True


FORMATS = {
    "md": SheetFormat((".md", ".markdown"), "markdown"),
    "tex": SheetFormat((".tex",), "latex.document"),
    "html": SheetFormat((".html",), "html.worksheet", of_sheets=True),
    "ipynb": SheetFormat((".ipynb",), "sheets.worksheet_notebook"),
    "moodle": SheetFormat((".xml",), "sheets.moodle", of_sheets=True),
    "qti": SheetFormat((".zip",), "sheets.qti", of_sheets=True, is_text=False),
}


def write(name: str, sheets: Sequence[Worksheet], title: str) -> str | bytes:
    """Return sheets in a format, as bytes where it is no text."""
    from .walkthrough import worksheet

    chosen = FORMATS[name]
    renderer = import_module(f".render.{chosen.module}", __package__)
    page = worksheet.page(sheets, title)
    text: str | bytes = renderer.write(page, sheets) if chosen.of_sheets else renderer.write(page)
    return text
