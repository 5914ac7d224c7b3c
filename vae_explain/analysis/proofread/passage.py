"""What stands together in a document of any format, with the words that it stands under."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

from ...quick_classes import NamedTuple


class Fragment(NamedTuple):
    """A run of one kind of text, and the line it starts on."""

    kind: Literal["text", "code", "math", "strong"]
    text: str
    line: int


class Passage(NamedTuple):
    """What stands together: a paragraph, a block of code or mathematics, a table.

    Attributes
    ----------
    pieces
        The text; of a table the cells of its rows are in `rows` instead, its header first.
    context
        What it stands under, nearest first: the paragraph before it, those of the list
        items around it, the headings.
    """

    kind: Literal["prose", "code", "math", "table", "html"]
    pieces: tuple[Fragment, ...]
    rows: tuple[tuple[tuple[Fragment, ...], ...], ...]
    context: tuple[tuple[Fragment, ...], ...]
    line: int
    language: str = ""

    @property
    def all_pieces(self) -> tuple[Fragment, ...]:
        """Its text, that of a table's cells too."""
        cells = (cell for row in self.rows for cell in row)
        return (*self.pieces, *chain.from_iterable(cells))


def plain(pieces: Sequence[Fragment]) -> str:
    """Return pieces as one text, without their marks."""
    return "".join(piece.text for piece in pieces)
