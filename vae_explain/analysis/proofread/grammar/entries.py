"""The arithmetic of one entry of a list or a matrix, to say what is wrong with it alone."""

from __future__ import annotations

from collections.abc import Iterator

from .syntax import Literal, Negative, Row, Sum, Tree, literals, parts, with_parts

Place = tuple[int, ...]  # an index for each level of lists


def places(tree: Tree, before: Place = ()) -> Iterator[tuple[Literal, Place]]:
    """Yield each number that is an entry of a list, or in one, and where that is.

    Examples
    --------
    >>> [place for _, place in places(Row((Row((Literal("0.5", 0.5, 1),)), Literal("3", 3.0, 0))))]
    [(0, 0), (1,)]
    """
    if isinstance(tree, Row):
        for n, entry in enumerate(tree.entries):
            yield from places(entry, (*before, n))
    else:
        yield from ((number, before) for number in literals(tree))


def entry_at(tree: Tree, place: Place) -> Tree | None:
    """Return the arithmetic of one entry; None where the lists are not written out so.

    Examples
    --------
    >>> from .syntax import shown
    >>> half, three = Literal("0.5", 0.5, 1), Literal("3", 3.0, 0)
    >>> shown(entry_at(Sum((Row((half, three)), Negative(Row((three, half))))), (0,)))
    '0.5 - 3'
    """
    match tree:
        case Row(entries):
            known = bool(place) and place[0] < len(entries)
            return entry_at(entries[place[0]], place[1:]) if known else None
        case Sum() | Negative() if place:
            found = [entry_at(part, place) for part in parts(tree)]
            written = [entry for entry in found if entry is not None]
            return with_parts(tree, written) if len(written) == len(found) else None
    return None if place else tree
