r"""The picture of a model in LaTeX's own `picture`, which needs no package.

It has the places of the SVG. Without colours a sign is how a circle is drawn: one of a positive
number is filled, one of a negative number has a dot, one of zero is empty.
"""

from __future__ import annotations

from itertools import pairwise

from ...pictured import Edge, Network, Node
from ..diagram_layout import (
    BLOCK_WIDTH,
    LINE,
    MARGIN,
    RADIUS,
    DiagramLayout,
    NodePlace,
    row_of,
    shown_shape,
)
from ..numbers import Numbers
from .marks import text

PAPER = 480.0  # points across
LARGEST = 0.55  # points of a pixel, for a small model
MOST_LINES = 64  # between two layers; of more the outermost are drawn
DOTS = 60  # of a line that is neither level nor upright


def picture(network: Network) -> str:
    """Return a network as an environment of LaTeX."""
    return _Picture(network).written()


class _Picture:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.layout = DiagramLayout(network)
        self.parts: list[tuple[float, float, str]] = []
        self.lines: list[tuple[tuple[float, float], ...]] = []

    def written(self) -> str:
        """Draw everything, and put it on as many points as there are."""
        for edge in self.network.edges:
            self._edge(edge)
        for node, place in zip(self.network.nodes, self.layout.places, strict=True):
            self._node(node, place)
        self._losses()
        right, height = self.layout.end, self.layout.bottom + MARGIN
        lines = [rf"\setlength{{\unitlength}}{{{min(PAPER / right, LARGEST):.4f}pt}}"]
        lines.append(rf"\begin{{picture}}({right:.0f},{height:.0f})\thinlines")
        for points in self.lines:
            ends = "".join(f"({x:.1f},{height - y:.1f})" for x, y in points)
            lines.append(rf"\qbezier[{DOTS}]{ends}")
        lines += [rf"\put({x:.1f},{height - y:.1f}){{{part}}}" for x, y, part in self.parts]
        return "\n".join([r"\begin{center}", *lines, r"\end{picture}", r"\end{center}"])

    def _put(self, x: float, y: float, words: str, place: str = "") -> None:
        if words:
            self.parts.append((x, y, rf"\makebox(0,0){place}{{\tiny {text(words)}}}"))

    def _line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        if x == to_x:
            self.parts.append((x, max(y, to_y), rf"\line(0,1){{{abs(to_y - y):.1f}}}"))
        elif y == to_y:
            self.parts.append((min(x, to_x), y, rf"\line(1,0){{{abs(to_x - x):.1f}}}"))
        else:
            self.lines.append(((x, y), ((x + to_x) / 2, (y + to_y) / 2), (to_x, to_y)))

    def _edge(self, edge: Edge) -> None:
        start, end = (self.layout.places[at] for at in (edge.start, edge.end))
        left, right = self.layout.sides(edge)
        if edge.layer:
            pairs = [(a, b) for a in start.ends for b in end.ends]
            if len(start.units) * len(end.units) <= MOST_LINES and start.units and end.units:
                pairs = [(a, b) for a in start.units for b in end.units]
            columns = self.layout.columns
            if columns[edge.end] - columns[edge.start] == 1:
                for x, y, words in self.layout.words_of(edge):
                    self._put(x, y - 4, words)
        else:
            pairs = self.layout.pairs(edge)
        stops = self.layout.stops(edge)
        for first, last in pairs if not stops else [(start.y, end.y)]:
            points = [(left, first), *stops, (right, last)]
            for (x, y), (to_x, to_y) in pairwise(points):
                self._line(x, y, to_x, to_y)

    def _node(self, node: Node, place: NodePlace) -> None:
        top, bottom = place.ends
        self._put(place.x, top - 13, node.name)
        self._put(place.x, bottom + 12, shown_shape(node))
        self._put(place.x, bottom + 12 + LINE, node.words)
        if place.is_block:
            left = place.x - BLOCK_WIDTH / 2
            self.parts.append((left, bottom, rf"\framebox({BLOCK_WIDTH},{place.height}){{}}"))
        for y, number in zip(place.units, row_of(node), strict=False):
            self.parts.append((place.x, y, rf"\circle{{{2 * RADIUS}}}"))
            if number:
                size = 2 * RADIUS if number > 0 else RADIUS / 2
                self.parts.append((place.x, y, rf"\circle*{{{size}}}"))

    def _losses(self) -> None:
        for loss, (frame, ways) in zip(self.network.losses, self.layout.losses(), strict=True):
            width, height = frame.right - frame.left, frame.bottom - frame.top
            self.parts.append((frame.left, frame.bottom, rf"\framebox({width},{height}){{}}"))
            number = f"{loss.name} = {Numbers().one(loss.value, 'value')}"
            self._put(frame.left + 6, frame.top + 11, number, "[l]")
            if loss.inputs:
                self._put(frame.left + 6, frame.top + 25, f"from {', '.join(loss.inputs)}", "[l]")
            for way in ways:
                for (x, y), (to_x, to_y) in pairwise(way):
                    self._line(x, y, to_x, to_y)
