"""What a cell of a workbook takes: texts, numbers and how they look, and where a tensor's go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...quick_classes import NamedTuple
from ...symbolic.printable import printable
from ...trace import Array

LONGEST_TEXT = 1000  # of a formula in words


class SheetCell(NamedTuple):
    """A cell of a sheet, counted from 0."""

    sheet: str
    row: int
    column: int


def grid(array: Array) -> tuple[list[tuple[int, ...]], int]:
    """Return the leading indices of a tensor's rows, and how many columns it has."""
    if not array.ndim:
        return [()], 1
    return list(np.ndindex(array.shape[:-1])), array.shape[-1]


def cached(number: float) -> float | str:
    """Return what a program shows that does not compute formulas."""
    return number if np.isfinite(number) else "#NUM!"


def digits(number: float) -> str:
    """Write a number as formulas have it, with all of its digits."""
    return repr(number).replace("e", "E")


def cell_text(text: str) -> str:
    """Return a text that a cell takes, whatever name is in it."""
    whole = printable(text)
    return whole if len(whole) <= LONGEST_TEXT else f"{whole[: LONGEST_TEXT - 1]}…"


def formats_of(book: Any) -> Mapping[str, Any]:
    """Return how the cells of a workbook look, by what they hold."""
    yellow, grey = "#FFF2CC", "#777777"
    return {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "name": book.add_format({"bold": True}),
        "words": book.add_format({"font_color": grey}),
        "number": book.add_format({"num_format": "0.0000"}),
        "exact": book.add_format({"num_format": "0.0000", "bold": True}),
        "given": book.add_format({"num_format": "0.0000##", "bg_color": yellow, "border": 1}),
        "fixed": book.add_format({"num_format": "0.0000", "font_color": grey, "italic": True}),
        "difference": book.add_format({"num_format": "0.0E+00;-0.0E+00;0", "font_color": grey}),
    }
