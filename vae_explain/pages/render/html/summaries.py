"""Tensors too big for a page: what they are like, their largest numbers, and a heat map."""

from __future__ import annotations

import numpy as np

from ...blocks import Summary
from ..terminal.heat import heat
from ..typeset import Typesetter
from .escaping import escape
from .keys import Key
from .links import Links, raised, typeset

MOST_ROWS, MOST_COLUMNS = 20, 72  # of cells
CELL = 8  # pixels
SHADES = 8
SIGNS = {1: "positive", -1: "negative", 0: "both"}


class HtmlSummaries:
    """Writes summaries; their largest numbers are links as all others are."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.numbers = links.numbers
        self.typeset = Typesetter(links.numbers.digits)

    def summary(self, block: Summary, name: str) -> str:
        """Write a tensor's statistics, its heat map and its largest numbers.

        Parameters
        ----------
        name
            Whose numbers they are, for their links.
        """
        here = self.links.tensor(name)
        style = "accent" if block.accent else block.role
        shape = " × ".join(map(str, np.shape(block.array)))
        return (
            f'<figure class="summary"{here}><figcaption>'
            f'<a class="name {style}" href="{self.links.href(name)}">{escape(block.name)}</a> '
            f'<span class="shape">{shape}</span><br>{self._statistics(block)}</figcaption>'
            f"{'' if block.constant else self._picture(block)}{self._largest(block, name)}</figure>"
        )

    def _statistics(self, block: Summary) -> str:
        return ", ".join(map(raised, self.typeset.summary(block)))

    def _picture(self, block: Summary) -> str:
        """Draw the cells, those of one sign and shade as one path."""
        drawing = heat(block.array, MOST_ROWS, MOST_COLUMNS)
        shades = drawing.shades(SHADES)
        paths: dict[str, str] = {}
        rows, columns = shades.shape
        for row in range(rows):
            for column in range(columns):
                shade, sign = int(shades[row, column]), int(drawing.signs[row, column])
                finite = np.isfinite(drawing.sizes[row, column])
                kind = f"{SIGNS[sign]} s{shade}" if finite else "failure"
                if shade:
                    square = f"M{column * CELL} {row * CELL}h{CELL}v{CELL}h-{CELL}z"
                    paths[kind] = paths.get(kind, "") + square
        drawn = "".join(f'<path class="{kind}" d="{d}"/>' for kind, d in sorted(paths.items()))
        down, across = drawing.patch
        one = (down, across) == (1, 1)
        cells = "a number" if one else f"up to {down} × {across} numbers"
        words = (
            f"each cell {cells}; the stronger its shade, the larger its mean size, "
            f"up to {typeset(self.numbers.one(drawing.largest, block.places))}"
        )
        width, height = columns * CELL, rows * CELL
        size = f'width="{width}" height="{height}"'
        return (
            f'<div class="map"><svg class="heat" viewBox="0 0 {width} {height}" {size} '
            f'role="img" aria-label="Heat map of {escape(block.name)}">'
            f'<rect class="frame" {size}/>{drawn}</svg>'
            f'<p class="remark">{words}; <span class="positive">■</span> mostly positive, '
            f'<span class="negative">■</span> mostly negative, ■ both</p></div>'
        )

    def _largest(self, block: Summary, name: str) -> str:
        texts = self.numbers.column([entry.value for entry in block.largest], block.places)
        rows = []
        for entry, text in zip(block.largest, texts, strict=True):
            key = Key.labelled(name, entry.label)
            number = self.links.number(
                key, entry.value, text, block.role, makes=True, accent=block.accent
            )
            rows.append(f'<tr><th scope="row">{escape(entry.label)}</th><td>{number}</td></tr>')
        return (
            '<div class="scroll"><table><thead><tr><th scope="col">largest</th>'
            f'<th scope="col">number</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        )
