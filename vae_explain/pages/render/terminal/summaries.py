"""Tensors too big for a page: what they are like in words, and a heat map in characters.

A cell's shade is how large its numbers are and its colour which sign they have, so that
the map can be read without colours, and on a dark ground as on a light one.
"""

from __future__ import annotations

import math

import numpy as np

from ....trace import Array
from ...blocks import Summary
from .heat import Heat, heat
from .pieces import Canvas, Line, Piece, width_of

MOST_ROWS, MOST_COLUMNS = 8, 64  # of cells
NARROWEST = 24  # columns of cells; for fewer the largest numbers go under the map
GAP = 3
SIGN_STYLES = {1: "positive", -1: "negative", 0: ""}
SIGN_WORDS = {1: "mostly positive", -1: "mostly negative", 0: "of both signs"}


class Summaries:
    """Lays out summaries on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def summary(self, block: Summary) -> list[Line]:
        array = np.asarray(block.array)
        style = "accent" if block.accent else block.role
        shape = ", ".join(map(str, array.shape))
        head: Line = [Piece(self.canvas.symbols(block.name), style), Piece(f"  [{shape}]", "dim")]
        lines = [head, *self._statistics(block)]
        return lines if block.constant else [*lines, *self._map(block, style)]

    def _statistics(self, block: Summary) -> list[Line]:
        """Write range and norm, broken between the statements and never inside one."""
        statements: list[Line] = []
        for statement in self.canvas.numbers.summary(block):
            parts: list[Line] = []
            for words, number in statement:
                style = "warning" if words.endswith("not finite") else "dim"
                parts.append([Piece(words, style), *([Piece(number)] if number else [])])
            joined = parts[0] + [each for part in parts[1:] for each in (Piece(" "), *part)]
            statements += [joined] if width_of(joined) <= self.canvas.room else parts
        return self._flowing(statements)

    def _flowing(self, statements: list[Line]) -> list[Line]:
        lines: list[Line] = [[]]
        for statement in statements:
            if lines[-1] and width_of(lines[-1]) + 2 + width_of(statement) > self.canvas.room:
                lines.append([])
            lines[-1] += [Piece("  "), *statement] if lines[-1] else statement
        return lines

    def _map(self, block: Summary, style: str) -> list[Line]:
        """Draw the map with the largest numbers beside it, or under it."""
        entries = self._largest(block, style)
        beside = max(map(width_of, entries), default=0)
        room = self.canvas.room - 4
        stacked = room - GAP - beside < NARROWEST
        across = min(room if stacked else room - GAP - beside, MOST_COLUMNS)
        drawing = heat(block.array, MOST_ROWS, across)
        shades = drawing.shades(len(self.canvas.symbols.shades) - 1)
        if (shades == shades[0, 0]).all() and (drawing.signs == drawing.signs[0, 0]).all():
            return self._flowing([*self._even(block, drawing), *map(_close, entries)])
        rows, columns = shades.shape
        drawn: list[Line] = []
        for row in range(rows):
            opening, closing = self.canvas.symbols.bracket(row, rows)
            cells = self._cells(drawing, shades, row)
            drawn.append([Piece(f"{opening} ", "dim"), *cells, Piece(closing[1:], "dim")])
        legend = self._legend(block, drawing)
        if stacked:
            return [*drawn, *legend, *entries]
        lines = []
        for row in range(max(rows, len(entries))):
            left = drawn[row] if row < rows else [Piece(" " * (columns + 4))]
            right = [Piece(" " * GAP), *entries[row]] if row < len(entries) else []
            lines.append([*left, *right])
        return [*lines, *legend]

    def _even(self, block: Summary, drawing: Heat) -> list[Line]:
        """Say in words what a map of one shade would show."""
        low, high = (self.canvas.numbers.one(size, block.places) for size in _ends(drawing.sizes))
        return [
            [Piece("even all over", "dim")],
            [Piece(self._patch(drawing), "dim")],
            [Piece("mean sizes ", "dim"), Piece(low)],
            [Piece("to ", "dim"), Piece(high)],
            [Piece("the largest:", "dim")],
        ]

    def _cells(self, drawing: Heat, shades: Array, row: int) -> Line:
        """Write a row of cells, neighbours of one sign in one piece."""
        pieces: Line = []
        characters = self.canvas.symbols.shades
        cells = zip(
            *(array[row].tolist() for array in (drawing.sizes, shades, drawing.signs)), strict=True
        )
        for size, shade, sign in cells:
            style = SIGN_STYLES[sign] if math.isfinite(size) else "warning"
            if pieces and pieces[-1].style == style:
                pieces[-1] = Piece(pieces[-1].text + characters[shade], style)
            else:
                pieces.append(Piece(characters[shade], style))
        return pieces

    def _largest(self, block: Summary, style: str) -> list[Line]:
        texts = self.canvas.numbers.column([entry.value for entry in block.largest], block.places)
        width = max(map(len, texts), default=0)
        labels = max((len(entry.label) for entry in block.largest), default=0)
        return [
            [Piece(entry.label.ljust(labels), "dim"), Piece("  " + text.rjust(width), style)]
            for entry, text in zip(block.largest, texts, strict=True)
        ]

    def _legend(self, block: Summary, drawing: Heat) -> list[Line]:
        top = self.canvas.numbers.one(_ends(drawing.sizes)[1], block.places)
        full = self.canvas.symbols.shades[-1]
        statements: list[Line] = [
            [Piece(self._patch(drawing), "dim")],
            [Piece(f"{full} mean size {top}", "dim")],
        ]
        signs = [sign for sign in (1, -1, 0) if (drawing.signs[drawing.sizes > 0] == sign).any()]
        if signs != [0]:
            statements += [[Piece(SIGN_WORDS[sign], SIGN_STYLES[sign] or "dim")] for sign in signs]
        return self._flowing(statements)

    def _patch(self, drawing: Heat) -> str:
        down, across = drawing.patch
        if (down, across) == (1, 1):
            return "each cell a number"
        return self.canvas.symbols(f"each cell up to {down}×{across} numbers")


def _ends(sizes: Array) -> tuple[float, float]:
    """Return the smallest and the largest size that is a number."""
    finite = sizes[np.isfinite(sizes)]
    return float(finite.min(initial=np.inf)), float(finite.max(initial=0.0))


def _close(entry: Line) -> Line:
    """Write label and number of an entry beside each other, as they are in running text."""
    label, number = entry
    return [Piece(label.text.rstrip() + " ", label.style), Piece(number.text.strip(), number.style)]
