"""The blocks that are drawn where a format can draw: the model as a network, and curves."""

from __future__ import annotations

from typing import Literal

from ..quick_classes import NamedTuple
from ..trace import Array


class Node(NamedTuple):
    """A named value in a picture of the model: what it is, how it is made, its numbers.

    `words` says how it is made where that is short: `mu + std·eps`.
    """

    name: str
    kind: Literal["input", "value", "noise"]
    array: Array
    words: str = ""


class Edge(NamedTuple):
    """What one node gets from another, by position: through a layer, or as it is.

    `layer` names the parameters between them and `shape` gives their weight's shape; both
    are empty for an edge without parameters. `weight` has a row for each unit of the end.
    """

    start: int
    end: int
    layer: str = ""
    shape: tuple[int, ...] = ()
    weight: Array | None = None


class LossTerm(NamedTuple):
    """A number at the end of the model: the loss or a term of it, and what it is made from."""

    name: str
    value: float
    inputs: tuple[str, ...]
    role: Literal["total", "reconstruction", "kl"] = "total"


class Network(NamedTuple):
    """A model as a picture shows it, nodes in the order in which they are made."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    losses: tuple[LossTerm, ...]


class Diagram(NamedTuple):
    """The layers from input to loss: what stands in each place, and its width.

    `network` has what a drawn picture needs besides; None where only words are wanted.
    `caption` says how to read the picture, for a format that shows it.
    """

    stages: tuple[tuple[str, str], ...]
    network: Network | None = None
    caption: str = ""


class Series(NamedTuple):
    """One number at every step: its name, its values, and what it is."""

    name: str
    values: tuple[float, ...]
    role: Literal["total", "reconstruction", "kl"]


class Curve(NamedTuple):
    """Numbers over an axis that counts from 0: `axis` says what it counts."""

    axis: str
    series: tuple[Series, ...]
