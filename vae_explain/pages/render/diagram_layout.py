"""Where the parts of the picture of a model stand: its nodes, the ways between them, its words.

Nodes stand in columns, each behind all that it is made from; the losses stand behind the last, each
on a lane of its own under all nodes. Words take the nearest place where nothing stands.
"""

from __future__ import annotations

import numpy as np

from ...quick_classes import NamedTuple
from ...trace import Array
from ..pictured import Edge, LossTerm, Network, Node

MOST_CIRCLES = 12
RADIUS, SPACING = 9.0, 24.0
BLOCK_WIDTH, BLOCK_HEIGHT = 26.0, 190.0
ABOVE, BELOW, BETWEEN = 22.0, 36.0, 22.0  # a node's name, its shape, the next node
MARGIN, NARROWEST_GAP = 24.0, 104.0
LETTER, BOLD, LINE = 6.7, 7.5, 13.0  # the width of one in labels and names, and a line's height
LANE, BUS = 48.0, 14.0  # between the losses, and from them to the line that joins them
FARTHEST = 400  # that words stand from what they belong to


class NodePlace(NamedTuple):
    """Where a node stands: its middle, its height, and where its units are."""

    x: float
    y: float
    height: float
    units: tuple[float, ...]
    is_block: bool

    @property
    def half(self) -> float:
        """Half its width."""
        return BLOCK_WIDTH / 2 if self.is_block else RADIUS

    @property
    def ends(self) -> tuple[float, float]:
        """Its upper and its lower end."""
        return self.y - self.height / 2, self.y + self.height / 2


class Area(NamedTuple):
    """What a part of the picture takes: its edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half its height."""
        return (self.top + self.bottom) / 2

    def meets(self, other: Area) -> bool:
        """Whether two parts would stand on each other."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class DiagramLayout:
    """Places for the parts of one picture.

    Attributes
    ----------
    columns
        How far right each node stands.
    places
        Where each node stands.
    ways
        Where an edge passes a column that it does not stop in, by the column and its start.
    right
        Where the last column ends.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.columns = _columns(network)
        self.ways: dict[tuple[int, int], tuple[float, float]] = {}
        self.half: dict[int, float] = {}
        self.places = self._place()
        self._taken: list[Area] = []
        self._drops: dict[int, float] = {}
        for node, place in zip(network.nodes, self.places, strict=True):
            self._take_node(node, place)
        for loss in network.losses:
            self._take_drops(loss)

    @property
    def bottom(self) -> float:
        """Where the lowest of what was placed ends."""
        return max((area.bottom for area in self._taken), default=MARGIN)

    # --- nodes ---

    def _place(self) -> list[NodePlace]:
        """Put the nodes of each column under each other, and the columns side by side."""
        slots: dict[int, list[tuple[int, float]]] = {}
        for position, node in enumerate(self.network.nodes):
            slots.setdefault(self.columns[position], []).append((position, height_of(node)))
        for column, starts in _passing(self.network.edges, self.columns).items():
            # A way for an edge that skips a column, over what stands in it.
            slots.setdefault(column, [])[:0] = [(~start, 0.0) for start in starts]
        across = self._across()
        heights = {
            column: sum(height + ABOVE + BELOW + BETWEEN for _, height in nodes) - BETWEEN
            for column, nodes in slots.items()
        }
        middle = MARGIN + max(heights.values(), default=0.0) / 2
        places: dict[int, NodePlace] = {}
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
        half = self.half = dict.fromkeys(self.columns, NARROWEST_GAP / 2)
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

    def _take_node(self, node: Node, place: NodePlace) -> None:
        top, bottom = place.ends
        half = BLOCK_WIDTH / 2
        self._taken.append(Area(place.x - half, top, place.x + half, bottom))
        below = [shown_shape(node), *([node.words] if node.words else [])]
        self._taken.append(_words_area(place.x, top - 9, [node.name], BOLD))
        self._taken.append(_words_area(place.x, bottom + 16, below))

    # --- edges ---

    def sides(self, edge: Edge) -> tuple[float, float]:
        """Return where an edge leaves the node that it starts at, and where it arrives."""
        start, end = self.places[edge.start], self.places[edge.end]
        return start.x + start.half, end.x - end.half

    def stops(self, edge: Edge) -> list[tuple[float, float]]:
        """Return where an edge passes the columns between its ends."""
        between = range(self.columns[edge.start] + 1, self.columns[edge.end])
        return [self.ways[column, edge.start] for column in between]

    def pairs(self, edge: Edge) -> list[tuple[float, float]]:
        """Return the heights that a line of an edge leads from and to: unit to unit, or one."""
        start, end = self.places[edge.start], self.places[edge.end]
        if start.units and len(start.units) == len(end.units):
            return list(zip(start.units, end.units, strict=True))
        return [(start.y, end.y)]

    # --- words ---

    def free(self, x: float, y: float, lines: list[str], down: bool) -> float:
        """Return where some lines of words stand free: at `y`, or further off in the same way."""
        for off in range(0, FARTHEST, 4):
            for at in (y + off, y - off) if down else (y - off, y + off):
                area = _words_area(x, at, lines)
                if area.top > 2 and not any(map(area.meets, self._taken)):
                    self._taken.append(area)
                    return at
        return y

    def words_of(self, edge: Edge) -> list[tuple[float, float, str]]:
        """Return the words of a layer between two neighbours, and where they stand."""
        start, end = self.places[edge.start], self.places[edge.end]
        x, y = (start.x + end.x) / 2, (start.y + end.y) / 2
        half, rises = (start.height + end.height) / 4, end.y <= start.y
        words = [edge.layer, "×".join(map(str, edge.shape))]
        # Over the lines where they rise, under them where they fall.
        top = self.free(x, y - half - 21 if rises else y + half + 17, words, not rises)
        return [(x, top + LINE * at, each) for at, each in enumerate(words)]

    # --- losses ---

    def _take_drops(self, loss: LossTerm) -> None:
        """Keep free where a line goes down from each node that a loss is made from."""
        for position, node in enumerate(self.network.nodes):
            if node.name in loss.inputs and position not in self._drops:
                column, place = self.columns[position], self.places[position]
                beside = sum(self.columns[other] == column for other in self._drops)
                x = place.x + self.half[column] + 3 + 4 * beside
                self._drops[position] = x
                self._taken.append(Area(x - 3, place.y, x + 3, place.y + 1))

    def losses(self) -> list[tuple[Area, list[list[tuple[float, float]]]]]:
        """Return a frame for each loss, and the corners of its lines, which end at the frame."""
        losses = self.network.losses
        widest = max((len(line) for loss in losses for line in lines_of(loss)), default=0)
        left, top = self.right, self.bottom + LINE
        lanes = [top + at * LANE for at in range(len(losses))]
        frames = [Area(left, y, left + widest * BOLD + 16, y + LANE - LINE) for y in lanes]
        self._taken += frames
        drawn = []
        for loss, frame in zip(losses, frames, strict=True):
            ways = []
            for position, x in self._drops.items():
                if self.network.nodes[position].name in loss.inputs:
                    place = self.places[position]
                    start = place.units[len(place.units) // 2] if place.units else place.y
                    corners = [(place.x + place.half, start), (x, start), (x, frame.middle)]
                    ways.append([*corners, (frame.left, frame.middle)])
            for other, there in zip(losses, frames, strict=True):
                if other.name in loss.inputs and other is not loss:
                    bus = frame.right + BUS
                    corners = [
                        (there.right, there.middle),
                        (bus, there.middle),
                        (bus, frame.middle),
                    ]
                    ways.append([*corners, (frame.right, frame.middle)])
            drawn.append((frame, ways))
        return drawn

    @property
    def end(self) -> float:
        """Where the picture ends at the right, with its losses."""
        ends = [area.right + BUS for area in self._taken]
        return max(ends, default=self.right) + MARGIN


def lines_of(loss: LossTerm) -> tuple[str, str]:
    """Return what stands in a loss's frame, its number as wide as any."""
    return f"{loss.name} = 00.00000000", f"from {', '.join(loss.inputs)}"


def shown_shape(node: Node) -> str:
    """Write a node's shape; of a batch, which row of it is shown."""
    shape = str(list(node.array.shape))
    return f"row 0 of {shape}" if node.array.ndim > 1 and node.array.shape[0] > 1 else shape


def _words_area(x: float, y: float, lines: list[str], letter: float = LETTER) -> Area:
    """Return what centred lines of words take, the first of them on the line `y`."""
    half = max(map(len, lines)) * letter / 2 + 2
    return Area(x - half, y - 11, x + half, y + 4 + LINE * (len(lines) - 1))


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


def row_of(node: Node) -> Array:
    """Return the numbers of a node that are shown: those of the first row of a batch."""
    array = np.asarray(node.array, dtype=np.float64)
    first = array[0] if array.ndim > 1 else array
    return first.ravel()


def height_of(node: Node) -> float:
    count = row_of(node).size
    return BLOCK_HEIGHT if count > MOST_CIRCLES else (count - 1) * SPACING + 2 * RADIUS


def _placed(node: Node, x: float, y: float, height: float) -> NodePlace:
    count = row_of(node).size
    if count > MOST_CIRCLES:
        return NodePlace(x, y, height, (), True)
    first = y - (count - 1) * SPACING / 2
    return NodePlace(x, y, height, tuple(first + i * SPACING for i in range(count)), False)


def _letters(node: Node) -> int:
    return max(len(node.name), len(node.words), len(shown_shape(node)))
