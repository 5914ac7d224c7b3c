"""What each passage stands under, in formats that only give passages and headings in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..passage import Passage, Piece

HEADING = "heading"  # the language of a passage that is one


def heading(pieces: tuple[Piece, ...], level: int) -> Passage:
    """Return a heading, on its way through `in_context`."""
    return Passage("prose", pieces, (), ((),) * level, pieces[0].line, HEADING)


def in_context(found: Iterable[Passage]) -> Iterator[Passage]:
    """Yield the passages under what they stand: the paragraph before, and the headings."""
    headings: list[tuple[int, tuple[Piece, ...]]] = []
    before: tuple[Piece, ...] = ()
    for passage in found:
        if passage.language == HEADING:
            level = len(passage.context)
            headings = [entry for entry in headings if entry[0] < level]
            headings.append((level, passage.pieces))
            before = ()
            continue
        above = (pieces for _, pieces in reversed(headings))
        yield passage._replace(context=(*((before,) if before else ()), *above))
        if passage.kind in ("prose", "math"):
            before = passage.pieces
