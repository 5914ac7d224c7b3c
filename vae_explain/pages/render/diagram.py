"""The picture of a model, as SVG: layers from left to right, their numbers as shades.

Units are circles while they fit; a wider layer is a block of stripes, each the mean of
some units. The colours have contrast on a light and on a dark ground, and text follows
the reader's choice of the two where the viewer tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from ...symbolic.printable import printable
from ...trace import Array
from ..blocks import Walkthrough
from ..pictured import Diagram, Edge, Network, Node
from .diagram_layout import (
    BLOCK_WIDTH,
    MARGIN,
    RADIUS,
    DiagramLayout,
    NodePlace,
    row_of,
    shown_shape,
)
from .numbers import Numbers

MOST_STRIPES = 28
MOST_LINES = 160  # between the units of two layers; more of them are one band
STRENGTHS = 4  # of the lines of weights
BUNDLE = 40.0  # the most that the lines of a way over other nodes lie apart, first to last

STYLE = """\
.vae-diagram { max-width: 100%; height: auto; }
.vae-diagram text { font: 12px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.vae-diagram .name { fill: #333333; font-weight: 600; text-anchor: middle; }
.vae-diagram .small { fill: #5c5c5c; font-size: 11px; text-anchor: middle; }
.vae-diagram .loss { fill: #333333; font-weight: 600; }
.vae-diagram .made { fill: #5c5c5c; font-size: 11px; }
.vae-diagram .unit { stroke: #8a8a8a; stroke-width: 1.2; }
.vae-diagram .zero { fill: none; }
.vae-diagram .positive { fill: #c47f17; }
.vae-diagram .negative { fill: #3a8fbd; }
.vae-diagram .noise { stroke: #2f9a8a; stroke-width: 1.6; stroke-dasharray: 3 2.4; }
.vae-diagram .frame { fill: none; stroke: #8a8a8a; }
.vae-diagram .line { stroke: #8a8a8a; stroke-width: 0.8; stroke-opacity: 0.45; fill: none; }
.vae-diagram .line > path { fill: none; }
.vae-diagram .line > .positive { stroke: #c47f17; }
.vae-diagram .line > .negative { stroke: #3a8fbd; }
.vae-diagram .term { fill: none; stroke: #8a8a8a; stroke-width: 1.2; }
.vae-diagram .reconstruction { stroke: #6f83c4; }
.vae-diagram .kl { stroke: #c4625f; }
.vae-diagram .direct { stroke: #8a8a8a; stroke-width: 1.2; fill: none; }
.vae-diagram .drawn { stroke: #2f9a8a; stroke-width: 1.4; stroke-dasharray: 4 3; fill: none; }
.vae-diagram .band { fill: #8a8a8a; fill-opacity: 0.16; }
@media (prefers-color-scheme: dark) {
  .vae-diagram .name, .vae-diagram .loss { fill: #e6e6e6; }
  .vae-diagram .small, .vae-diagram .made { fill: #a9a9a9; }
}
"""


def picture_of(walkthrough: Walkthrough, mark: str = "") -> str:
    """Return the picture of the model that a walkthrough shows; empty when it shows none.

    `mark` is an element of XML, for a picture that is a file of its own.
    """
    for block in walkthrough.blocks:
        if isinstance(block, Diagram) and block.network is not None:
            return svg(block.network, walkthrough.title, mark)
    return ""


def svg(network: Network, title: str, mark: str = "") -> str:
    """Draw a network; `title` names it for those who cannot see it."""
    return _Drawing(network).svg(title, mark)


def description(network: Network) -> str:
    """Say in words what the picture shows."""
    parts = []
    for position, node in enumerate(network.nodes):
        shape = str(list(node.array.shape))
        from_ = [network.nodes[edge.start].name for edge in network.edges if edge.end == position]
        layers = {edge.layer for edge in network.edges if edge.end == position and edge.layer}
        made = f" from {' and '.join(from_)}" if from_ else ""
        through = f" through {' and '.join(sorted(layers))}" if layers else ""
        how = f", {node.words}" if node.kind == "noise" else ""
        parts.append(f"{node.name} {shape}{made}{through}{how}")
    losses = [f"{loss.name} from {' and '.join(loss.inputs)}" for loss in network.losses]
    return printable("; ".join([*parts, *losses]) + ".")


class _Drawing:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.numbers = Numbers()
        self.layout = DiagramLayout(network)
        self.columns, self.places = self.layout.columns, self.layout.places
        self.parts: list[str] = []

    def svg(self, title: str, mark: str) -> str:
        for edge in self.network.edges:
            self._edge(edge)
        for node, place in zip(self.network.nodes, self.places, strict=True):
            self._node(node, place)
        self._losses()
        width, height = self.layout.end, self.layout.bottom + MARGIN
        return (
            f'<svg class="vae-diagram" xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" '
            f'height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}" '
            'role="img" aria-labelledby="vae-diagram-title vae-diagram-description">\n'
            f'<title id="vae-diagram-title">{_text(title)}</title>\n'
            f'<desc id="vae-diagram-description">{_text(description(self.network))}</desc>\n'
            f"<style>\n{STYLE}</style>\n" + "\n".join(self.parts) + f"\n{mark}</svg>\n"
        )

    # --- nodes ---

    def _node(self, node: Node, place: NodePlace) -> None:
        top, bottom = place.ends
        self._label(place.x, top - 9, node.name, "name")
        below = bottom + 16
        self._label(place.x, below, shown_shape(node), "small")
        if node.words:
            self._label(place.x, below + 14, node.words, "small")
        if place.is_block:
            self._block(node, place)
            return
        row = row_of(node)
        shades = _shades(row)
        noise = " noise" if node.kind == "noise" else ""
        row_of_batch = "0," if node.array.ndim > 1 and node.array.shape[0] > 1 else ""
        for i, (y, shade) in enumerate(zip(place.units, shades, strict=True)):
            number = self.numbers.one(float(row[i]), "value")
            self.parts.append(
                f'<circle cx="{_n(place.x)}" cy="{_n(y)}" r="{_n(RADIUS)}" '
                f'class="unit {_sign(shade)}{noise}"{_opacity(shade)}>'
                f"<title>{_text(f'{node.name}[{row_of_batch}{i}] = {number}')}</title></circle>"
            )

    def _block(self, node: Node, place: NodePlace) -> None:
        stripes = _stripes(row_of(node))
        height = place.height / len(stripes)
        left, top = place.x - BLOCK_WIDTH / 2, place.y - place.height / 2
        for i, shade in enumerate(_shades(stripes)):
            if shade:
                self.parts.append(
                    f'<rect x="{_n(left)}" y="{_n(top + i * height)}" width="{_n(BLOCK_WIDTH)}" '
                    f'height="{_n(height)}" class="{_sign(shade)}"{_opacity(shade)}/>'
                )
        noise = " noise" if node.kind == "noise" else ""
        self.parts.append(
            f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(BLOCK_WIDTH)}" '
            f'height="{_n(place.height)}" rx="3" class="frame{noise}"/>'
        )

    # --- edges ---

    def _edge(self, edge: Edge) -> None:
        start, end = self.places[edge.start], self.places[edge.end]
        if self.columns[edge.end] - self.columns[edge.start] > 1:
            self._around(edge, start)
        elif edge.layer:
            self._layer(edge, start, end)
        else:
            self._direct(edge, start, end)

    def _layer(self, edge: Edge, start: NodePlace, end: NodePlace) -> None:
        """Every unit to every unit, as a linear layer has it, or a band for many."""
        if not (start.is_block or end.is_block) and len(start.units) * len(end.units) <= MOST_LINES:
            lines = [
                [
                    f"M{_n(start.x + RADIUS)} {_n(a)}L{_n(end.x - RADIUS)} {_n(b)}"
                    for a in start.units
                ]
                for b in end.units
            ]
            self.parts.append(_lines(lines, edge.weight))
        else:
            self._band(edge)
        for x, y, words in self.layout.words_of(edge):
            self._label(x, y, words, "small")

    def _band(self, edge: Edge) -> None:
        left, right = self.layout.sides(edge)
        upper, lower = zip(*(self.places[at].ends for at in (edge.start, edge.end)), strict=True)
        corners = [(left, upper[0]), (right, upper[1]), (right, lower[1]), (left, lower[0])]
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
        self.parts.append(f'<polygon points="{points}" class="band"/>')

    def _direct(self, edge: Edge, start: NodePlace, end: NodePlace) -> None:
        """Unit to unit, for values that are combined element by element."""
        style = self._style(edge)
        if start.is_block or end.is_block or len(start.units) != len(end.units):
            self._band(edge)
            return
        lines = [
            f"M{_n(start.x + RADIUS)} {_n(a)}L{_n(end.x - RADIUS)} {_n(b)}"
            for a, b in zip(start.units, end.units, strict=True)
        ]
        self.parts.append(f'<path d="{"".join(lines)}" class="{style}"/>')

    def _around(self, edge: Edge, start: NodePlace) -> None:
        """Over what stands between two nodes that are not neighbours."""
        left, right = self.layout.sides(edge)
        pairs, stops = self.layout.pairs(edge), self.layout.stops(edge)
        reach = pairs[-1][0] - pairs[0][0]
        closer = min(1.0, BUNDLE / reach) if reach else 1.0
        for first, last in pairs:
            # Units keep their distance on the way, so that each can be followed; where they
            # are many they come closer, or they would leave the way and the picture.
            apart = (first - start.y) * closer
            points = [(left, first), *((x, y + apart) for x, y in stops), (right, last)]
            self.parts.append(f'<path d="{_curve(points)}" class="{self._style(edge)}"/>')

    def _style(self, edge: Edge) -> str:
        return "drawn" if self.network.nodes[edge.start].kind == "noise" else "direct"

    # --- words ---

    def _losses(self) -> None:
        """Draw the losses, each with lines from what it is made from."""
        for loss, (frame, ways) in zip(self.network.losses, self.layout.losses(), strict=True):
            lines = ["M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in way) for way in ways]
            if lines:
                self.parts.append(f'<path d="{"".join(lines)}" class="term {loss.role}"/>')
            self.parts.append(
                f'<rect x="{_n(frame.left)}" y="{_n(frame.top)}" '
                f'width="{_n(frame.right - frame.left)}" height="{_n(frame.bottom - frame.top)}" '
                f'rx="5" class="term {loss.role}"/>'
            )
            number = f"{loss.name} = {self.numbers.one(loss.value, 'value')}"
            made = f"from {', '.join(loss.inputs)}" if loss.inputs else ""
            for text, style, down in ((number, "loss", 15), (made, "made", 29)):
                if text:
                    at = f'x="{_n(frame.left + 8)}" y="{_n(frame.top + down)}"'
                    self.parts.append(f'<text {at} class="{style}">{_text(text)}</text>')

    def _label(self, x: float, y: float, text: str, style: str) -> None:
        if text:
            self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}" class="{style}">{_text(text)}</text>')


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a smooth path from left to right that is level at each of its points."""
    (x, y), *rest = points
    path = f"M{_n(x)} {_n(y)}"
    for right, there in rest:
        middle = (x + right) / 2
        path += f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(there)} {_n(right)} {_n(there)}"
        x, y = right, there
    return path


def _lines(lines: list[list[str]], weight: Array | None) -> str:
    """Write the lines of a layer, coloured by the signs of its weights, the larger the stronger."""
    shape = len(lines), len(lines[0]) if lines else 0
    if weight is None or weight.shape != shape or not weight.size:
        return f'<path d="{"".join(map("".join, lines))}" class="line"/>'
    largest = float(np.abs(weight).max()) or 1.0
    paths: dict[tuple[int, str], str] = {}
    for index, number in np.ndenumerate(weight):
        strength = int(np.ceil(abs(float(number)) / largest * STRENGTHS))
        kind = strength, _sign(float(number))
        paths[kind] = paths.get(kind, "") + lines[index[0]][index[1]]
    drawn = "".join(
        f'<path d="{d}" class="{sign}" stroke-width="{_n(0.4 + 1.8 * strength / STRENGTHS)}" '
        f'stroke-opacity="{_n(0.15 + 0.6 * strength / STRENGTHS)}"/>'
        for (strength, sign), d in sorted(paths.items())
    )
    return f'<g class="line">{drawn}</g>'


def _stripes(row: Array) -> Array:
    """Return the means of neighbouring numbers, as many as there are stripes."""
    parts = np.array_split(row, min(MOST_STRIPES, row.size))
    return np.array([part.mean() for part in parts])


def _shades(row: Array) -> list[float]:
    """Return numbers as parts of the largest among them, with their signs."""
    largest = float(np.max(np.abs(row), initial=0.0))
    return [float(number) / largest if largest else 0.0 for number in row]


def _sign(shade: float) -> str:
    return "zero" if shade == 0 else "positive" if shade > 0 else "negative"


def _opacity(shade: float) -> str:
    # Never so faint that a small number looks like none.
    return f' fill-opacity="{_n(0.12 + 0.88 * abs(shade))}"' if shade else ""


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _text(text: str) -> str:
    return escape(printable(text), quote=False).replace('"', "&quot;")
