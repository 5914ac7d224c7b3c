"""What reading a document's equations gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ....quick_classes import NamedTuple
from ..grammar.syntax import Literal as Number
from ..grammar.syntax import Tree
from .demands import Demand
from .sides import EquationMistake

FORMULA = "the formula of "  # before the name of what a formula is of, as its key
Layer = Literal["A", "B", "C"]


class DocumentFinding(NamedTuple):
    """Something that is wrong in a document.

    Attributes
    ----------
    layer
        How deep it had to be read: A the arithmetic of one equation, B what the document
        states elsewhere, C the whole network.
    """

    line: int
    printed: str
    expected: str
    reason: str
    layer: Layer


class Reading(NamedTuple):
    """What reading a document's equations gave.

    Attributes
    ----------
    read
        How many pairs of sides could be held against each other, by layer.
    equations
        How many equations it has, whether they could be judged or not.
    too_deep
        How many of them have brackets in brackets beyond what is read.
    names
        The quantities that they are of.
    unread
        How many equations in numbers have a side that no formula is, or that cannot be computed.
    left_out
        How many passages were too long, or came after as many equations as are read.
    """

    findings: tuple[DocumentFinding, ...]
    read: Mapping[Layer, int]
    equations: int
    too_deep: int
    names: tuple[str, ...]
    unread: int = 0
    left_out: int = 0


class Doubt(NamedTuple):
    """A stated value that something does not follow from, or a formula with a number of its own.

    Attributes
    ----------
    place
        The element that was used; None for all of it.
    instead
        The number that was put there, where one was.
    demands
        What would lead to the result.
    unknown
        Whether it cannot be seen what would.
    again
        The line on which it is stated again, as another.
    """

    line: int
    key: str
    value: Tree
    place: int | None
    instead: Number | None
    mistakes: tuple[EquationMistake, ...]
    demands: tuple[Demand, ...] = ()
    unknown: bool = False
    again: int | None = None

    @property
    def name(self) -> str:
        """What a message calls it."""
        return self.key.removeprefix(FORMULA)
