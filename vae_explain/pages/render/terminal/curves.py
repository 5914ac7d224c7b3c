"""Curves in a terminal: one chart of bars under another, each with its own scale.

One above the other and not in one frame, so that they can be told apart without colours
and a small term is not a flat line beside a large one.
"""

from __future__ import annotations

import math

import numpy as np

from ....trace import Array
from ...pictured import Curve, Series
from .pieces import Canvas, Line, Piece

HEIGHTS = {"total": 8}  # rows of a chart, by what it shows
USUAL_HEIGHT = 4
MOST_COLUMNS = 100
LONGEST_LABEL = 8
STYLES = {"total": "bold", "reconstruction": "reconstruction", "kl": "kl"}
# Where the largest value is this many times the smallest, the smaller ones would be flat.
LOGARITHMIC = 1000.0


class Curves:
    """Lays out curves on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def curve(self, block: Curve) -> list[Line]:
        count = max(len(series.values) for series in block.series)
        room = min(self.canvas.room - LONGEST_LABEL - 2, MOST_COLUMNS)
        lines: list[Line] = []
        for series in block.series:
            columns = _columns(np.asarray(series.values, dtype=np.float64), room)
            scale = _Scale(columns[np.isfinite(columns)])
            heights = [scale.height(float(value)) for value in columns]
            lines += [self._title(series, scale), *self._chart(series, scale, heights), []]
        lines[-1] = self._axis(block.axis, count, room)
        if count > room:
            words = f"each column is the mean of up to {-(-count // room):,} {block.axis}s"
            lines += self.canvas.wrapped(words, self.canvas.room, "dim")
        return lines

    def _title(self, series: Series, scale: _Scale) -> Line:
        name = Piece(self.canvas.symbols(series.name), STYLES[series.role])
        return [name, Piece("   log scale", "dim")] if scale.logarithmic else [name]

    def _chart(self, series: Series, scale: _Scale, heights: list[float]) -> list[Line]:
        bars = self.canvas.symbols.bars
        full = len(bars) - 1
        rows = HEIGHTS.get(series.role, USUAL_HEIGHT)
        # A column that has a value has at least the thinnest bar, and one without has none.
        filled = [
            None if math.isnan(height) else max(round(height * rows * full), 1)
            for height in heights
        ]
        upright = self.canvas.symbols.axes[0]
        lines = []
        for row in reversed(range(rows)):
            end = scale.high if row == rows - 1 else scale.low if row == 0 else None
            label = "" if end is None else self._label(end)
            text = "".join(
                ("x" if row == 0 else " ")
                if units is None
                else bars[min(max(units - row * full, 0), full)]
                for units in filled
            )
            lines.append(
                [
                    Piece(label.rjust(LONGEST_LABEL), "dim"),
                    Piece(f" {upright}", "dim"),
                    Piece(text.rstrip(), STYLES[series.role]),
                ]
            )
        return lines

    def _axis(self, axis: str, count: int, room: int) -> Line:
        _, corner, level = self.canvas.symbols.axes
        width = min(count, room) * max(room // count, 1)
        first, last = "0", f"{count - 1:,}"
        middle = f" {axis} " if count > 1 else f" {axis}"
        space = width - len(first) - len(last) - len(middle)
        if count == 1 or space < 2:
            words = f"{first}{middle}" if count == 1 else f"{first} to {last}{middle.rstrip()}"
        else:
            words = first + level * (space // 2) + middle + level * (space - space // 2) + last
        return [Piece(" " * LONGEST_LABEL, "dim"), Piece(f" {corner}{words}", "dim")]

    def _label(self, value: float) -> str:
        text = f"{value:.4g}"
        return text if len(text) <= LONGEST_LABEL else f"{value:.1e}"


class _Scale:
    """Maps values to heights from 0 to 1, from zero up or by their logarithm."""

    def __init__(self, values: Array) -> None:
        self.logarithmic = False
        if not values.size:
            self.low, self.high = 0.0, 1.0
            return
        smallest, self.high = float(values.min()), float(values.max())
        self.logarithmic = smallest > 0 and self.high / smallest > LOGARITHMIC
        self.low = smallest if self.logarithmic else min(smallest, 0.0)

    def height(self, value: float) -> float:
        if not math.isfinite(value):
            return math.nan
        if self.high == self.low:
            return 0.0
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def _columns(values: Array, room: int) -> Array:
    """Return a value for each column: the mean of several, or one several times."""
    if len(values) <= room:
        return np.repeat(values, room // len(values))
    means = []
    for part in np.array_split(values, room):
        finite = part[np.isfinite(part)]
        means.append(finite.mean() if finite.size else math.nan)
    return np.asarray(means)
