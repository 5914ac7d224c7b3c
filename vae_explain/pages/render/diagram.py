"""The picture of a model, as SVG: layers from left to right, their numbers as shades.

Units are circles while they fit; a wider layer is a block of stripes, each the mean of
some units. The colours have contrast on a light and on a dark ground, and text follows
the reader's choice of the two where the viewer tells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from ...symbolic.printable import printable
from ...trace import Array
from ..blocks import Walkthrough
from ..pictured import Diagram, Edge, LossTerm, Network, Node
from .numbers import Numbers

MOST_CIRCLES = 12
MOST_STRIPES = 28
MOST_LINES = 160  # between the units of two layers; more of them are one band
RADIUS, SPACING = 9.0, 24.0
BLOCK_WIDTH, BLOCK_HEIGHT = 26.0, 190.0
ABOVE, BELOW, BETWEEN = 22.0, 36.0, 22.0  # a node's name, its shape, the next node
MARGIN, NARROWEST_GAP = 24.0, 104.0
LETTER = 6.7  # the width of one at the size of labels
BUNDLE = 40.0  # the most that the lines of a way over other nodes lie apart, first to last

STYLE = """\
.vae-diagram { max-width: 100%; height: auto; }
.vae-diagram text { font: 12px system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.vae-diagram .name { fill: #333333; font-weight: 600; text-anchor: middle; }
.vae-diagram .small { fill: #5c5c5c; font-size: 11px; text-anchor: middle; }
.vae-diagram .loss { fill: #333333; }
.vae-diagram .unit { stroke: #8a8a8a; stroke-width: 1.2; }
.vae-diagram .zero { fill: none; }
.vae-diagram .positive { fill: #c47f17; }
.vae-diagram .negative { fill: #3a8fbd; }
.vae-diagram .noise { stroke: #2f9a8a; stroke-width: 1.6; stroke-dasharray: 3 2.4; }
.vae-diagram .frame { fill: none; stroke: #8a8a8a; }
.vae-diagram .line { stroke: #8a8a8a; stroke-width: 0.8; stroke-opacity: 0.45; fill: none; }
.vae-diagram .direct { stroke: #8a8a8a; stroke-width: 1.2; fill: none; }
.vae-diagram .drawn { stroke: #2f9a8a; stroke-width: 1.4; stroke-dasharray: 4 3; fill: none; }
.vae-diagram .band { fill: #8a8a8a; fill-opacity: 0.16; }
@media (prefers-color-scheme: dark) {
  .vae-diagram .name, .vae-diagram .loss { fill: #e6e6e6; }
  .vae-diagram .small { fill: #a9a9a9; }
}
"""


class Place(NamedTuple):
    """Where a node stands: its middle, its height, and where its units are."""

    x: float
    y: float
    height: float
    units: tuple[float, ...]
    is_block: bool


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
        self.columns = _columns(network)
        self.parts: list[str] = []
        self.ways: dict[tuple[int, int], tuple[float, float]] = {}
        self.places = self._place()

    def svg(self, title: str, mark: str) -> str:
        for edge in self.network.edges:
            self._edge(edge)
        for node, place in zip(self.network.nodes, self.places, strict=True):
            self._node(node, place)
        bottom = max((p.y + p.height / 2 + BELOW for p in self.places), default=MARGIN)
        for loss in self.network.losses:
            bottom += 20
            self._loss(loss, bottom)
        width = self.right
        height = bottom + MARGIN
        return (
            f'<svg class="vae-diagram" xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" '
            f'height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}" '
            'role="img" aria-labelledby="vae-diagram-title vae-diagram-description">\n'
            f'<title id="vae-diagram-title">{_text(title)}</title>\n'
            f'<desc id="vae-diagram-description">{_text(description(self.network))}</desc>\n'
            f"<style>\n{STYLE}</style>\n" + "\n".join(self.parts) + f"\n{mark}</svg>\n"
        )

    # --- places ---

    def _place(self) -> list[Place]:
        """Put the nodes of each column under each other, and the columns side by side."""
        slots: dict[int, list[tuple[int, float]]] = {}
        for position, node in enumerate(self.network.nodes):
            slots.setdefault(self.columns[position], []).append((position, _height(node)))
        for column, starts in _passing(self.network.edges, self.columns).items():
            # A way for an edge that skips a column, over what stands in it.
            slots.setdefault(column, [])[:0] = [(~start, 0.0) for start in starts]
        across = self._across()
        heights = {
            column: sum(height + ABOVE + BELOW + BETWEEN for _, height in nodes) - BETWEEN
            for column, nodes in slots.items()
        }
        middle = MARGIN + max(heights.values(), default=0.0) / 2
        places: dict[int, Place] = {}
        for column, nodes in sorted(slots.items()):
            x = across[column]
            y = middle - heights[column] / 2
            for position, height in nodes:
                if position >= 0:
                    node = self.network.nodes[position]
                    places[position] = _placed(node, x, y + ABOVE + height / 2, height)
                else:
                    self.ways[column, ~position] = x, y + ABOVE
                y += height + ABOVE + BELOW + BETWEEN
        return [places[position] for position in range(len(self.network.nodes))]

    def _across(self) -> dict[int, float]:
        """Return where each column stands: as close to the one before as their words allow."""
        half = dict.fromkeys(self.columns, NARROWEST_GAP / 2)
        for node, column in zip(self.network.nodes, self.columns, strict=True):
            half[column] = max(half[column], _letters(node) * LETTER / 2 + 9)
        layers: dict[int, float] = {}  # the words between a column and the next
        for edge in self.network.edges:
            start, end = self.columns[edge.start], self.columns[edge.end]
            if end == start + 1:
                words = len(edge.layer) * LETTER + BLOCK_WIDTH
                layers[start] = max(layers.get(start, 0.0), words)
        across: dict[int, float] = {}
        x, before = MARGIN, 0.0
        for column in range(max(half, default=-1) + 1):
            own = half.get(column, NARROWEST_GAP / 2)
            x += max(before + own + 20, layers.get(column - 1, 0.0)) if across else own
            across[column], before = x, own
        self.right = x + before + MARGIN
        return across

    # --- nodes ---

    def _node(self, node: Node, place: Place) -> None:
        top, bottom = place.y - place.height / 2, place.y + place.height / 2
        self._label(place.x, top - 9, node.name, "name")
        below = bottom + 16
        self._label(place.x, below, str(list(node.array.shape)), "small")
        if node.words:
            self._label(place.x, below + 14, node.words, "small")
        if place.is_block:
            self._block(node, place)
            return
        shades = _shades(_row(node))
        noise = " noise" if node.kind == "noise" else ""
        row = _row(node)
        for i, (y, shade) in enumerate(zip(place.units, shades, strict=True)):
            number = self.numbers.one(float(row[i]), "value")
            self.parts.append(
                f'<circle cx="{_n(place.x)}" cy="{_n(y)}" r="{_n(RADIUS)}" '
                f'class="unit {_sign(shade)}{noise}"{_opacity(shade)}>'
                f"<title>{_text(f'{node.name}[{i}] = {number}')}</title></circle>"
            )

    def _block(self, node: Node, place: Place) -> None:
        stripes = _stripes(_row(node))
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
            self._around(edge, start, end)
        elif edge.layer:
            self._layer(edge, start, end)
        else:
            self._direct(edge, start, end)

    def _layer(self, edge: Edge, start: Place, end: Place) -> None:
        """Every unit to every unit, as a linear layer has it, or a band for many."""
        if not (start.is_block or end.is_block) and len(start.units) * len(end.units) <= MOST_LINES:
            lines = [
                f"M{_n(start.x + RADIUS)} {_n(a)}L{_n(end.x - RADIUS)} {_n(b)}"
                for a in start.units
                for b in end.units
            ]
            self.parts.append(f'<path d="{"".join(lines)}" class="line"/>')
        else:
            self._band(start, end)
        x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
        half = (start.height + end.height) / 4
        # Over the lines where they rise, under them where they fall.
        beside = y - half - 21 if end.y <= start.y else y + half + 17
        tops = start.y - start.height / 2, end.y - end.height / 2
        if beside < y and abs(tops[0] - tops[1]) < ABOVE:
            beside -= 14  # over the nodes' names, which stand at the same height
        shape = "×".join(map(str, edge.shape))
        self._label(x, beside, edge.layer, "small")
        self._label(x, beside + 13, shape, "small")

    def _band(self, start: Place, end: Place) -> None:
        half = [BLOCK_WIDTH / 2 if place.is_block else RADIUS for place in (start, end)]
        left, right = start.x + half[0], end.x - half[1]
        corners = [
            (left, start.y - start.height / 2),
            (right, end.y - end.height / 2),
            (right, end.y + end.height / 2),
            (left, start.y + start.height / 2),
        ]
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners)
        self.parts.append(f'<polygon points="{points}" class="band"/>')

    def _direct(self, edge: Edge, start: Place, end: Place) -> None:
        """Unit to unit, for values that are combined element by element."""
        style = self._style(edge)
        if start.is_block or end.is_block or len(start.units) != len(end.units):
            self._band(start, end)
            return
        lines = [
            f"M{_n(start.x + RADIUS)} {_n(a)}L{_n(end.x - RADIUS)} {_n(b)}"
            for a, b in zip(start.units, end.units, strict=True)
        ]
        self.parts.append(f'<path d="{"".join(lines)}" class="{style}"/>')

    def _around(self, edge: Edge, start: Place, end: Place) -> None:
        """Over what stands between two nodes that are not neighbours."""
        half = [BLOCK_WIDTH / 2 if place.is_block else RADIUS for place in (start, end)]
        left, right = start.x + half[0], end.x - half[1]
        pairs = [(start.y, end.y)]
        if not (start.is_block or end.is_block) and len(start.units) == len(end.units):
            pairs = list(zip(start.units, end.units, strict=True))
        between = range(self.columns[edge.start] + 1, self.columns[edge.end])
        stops = [self.ways[column, edge.start] for column in between]
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

    def _loss(self, loss: LossTerm, y: float) -> None:
        value = self.numbers.one(loss.value, "value")
        text = f"{loss.name} = {value}"
        if loss.inputs:
            text += f"   from {', '.join(loss.inputs)}"
        self.parts.append(f'<text x="{_n(MARGIN)}" y="{_n(y)}" class="loss">{_text(text)}</text>')

    def _label(self, x: float, y: float, text: str, style: str) -> None:
        if text:
            self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}" class="{style}">{_text(text)}</text>')


def _columns(network: Network) -> list[int]:
    """Return how far right each node stands: behind all that it is made from.

    What is made from nothing stands just before what first uses it.
    """
    columns = [0] * len(network.nodes)
    for position in range(len(network.nodes)):
        into = [edge.start for edge in network.edges if edge.end == position]
        columns[position] = max((columns[start] + 1 for start in into), default=0)
    for position in range(len(network.nodes)):
        used = [columns[edge.end] for edge in network.edges if edge.start == position]
        if used and not any(edge.end == position for edge in network.edges):
            columns[position] = max(min(used) - 1, 0)
    return columns


def _passing(edges: tuple[Edge, ...], columns: list[int]) -> dict[int, list[int]]:
    """Return the nodes whose edges pass each column without a stop in it."""
    ways: dict[int, dict[int, None]] = {}
    for edge in edges:
        for column in range(columns[edge.start] + 1, columns[edge.end]):
            ways.setdefault(column, {})[edge.start] = None
    return {column: list(starts) for column, starts in ways.items()}


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Return a smooth path from left to right that is level at each of its points."""
    (x, y), *rest = points
    path = f"M{_n(x)} {_n(y)}"
    for right, there in rest:
        middle = (x + right) / 2
        path += f"C{_n(middle)} {_n(y)} {_n(middle)} {_n(there)} {_n(right)} {_n(there)}"
        x, y = right, there
    return path


def _row(node: Node) -> Array:
    """Return the numbers of a node that are shown: those of the first row of a batch."""
    array = np.asarray(node.array, dtype=np.float64)
    first = array[0] if array.ndim > 1 else array
    return first.ravel()


def _height(node: Node) -> float:
    count = _row(node).size
    return BLOCK_HEIGHT if count > MOST_CIRCLES else (count - 1) * SPACING + 2 * RADIUS


def _placed(node: Node, x: float, y: float, height: float) -> Place:
    count = _row(node).size
    if count > MOST_CIRCLES:
        return Place(x, y, height, (), True)
    first = y - (count - 1) * SPACING / 2
    return Place(x, y, height, tuple(first + i * SPACING for i in range(count)), False)


def _letters(node: Node) -> int:
    return max(len(node.name), len(node.words), len(str(list(node.array.shape))))


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
