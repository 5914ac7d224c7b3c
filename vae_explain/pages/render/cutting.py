"""Pieces of a formula that is cut to fit its lines, in LaTeX and in HTML alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...quick_classes import NamedTuple


class UnbrokenPart(NamedTuple):
    """A part of a formula that stays on one line.

    Attributes
    ----------
    text
        The part, in the marks of its format.
    before
        The sign that joins it to what stands before it on its line.
    depth
        How many broken pairs of parentheses it stands in.
    fresh
        Whether it starts a line, since it or what stands before it takes several.
    whole
        Of how many pieces the summand is that it opens.
    """

    text: str
    before: str = ""
    depth: int = 0
    fresh: bool = False
    whole: int = 1


def opened(opening: str, pieces: Sequence[UnbrokenPart]) -> list[UnbrokenPart]:
    """Put something before the first piece, which stays on its line."""
    return [pieces[0]._replace(text=opening + pieces[0].text), *pieces[1:]]


def closed(pieces: Sequence[UnbrokenPart], closing: str) -> list[UnbrokenPart]:
    """Put something behind the last piece, which stays on its line."""
    return [*pieces[:-1], pieces[-1]._replace(text=pieces[-1].text + closing)]


def joined(sign: str, pieces: Sequence[UnbrokenPart]) -> list[UnbrokenPart]:
    """Say by which sign pieces go on from what stands before them."""
    return [pieces[0]._replace(before=sign), *pieces[1:]]


def listed(
    arguments: Iterable[Sequence[UnbrokenPart]], comma: str, space: str = ""
) -> list[UnbrokenPart]:
    """Put arguments one behind the other; a comma stays on the line of what it ends."""
    row: list[UnbrokenPart] = []
    for pieces in arguments:
        row = [*closed(row, comma), *joined(space, pieces)] if row else list(pieces)
    return row or [UnbrokenPart("")]
