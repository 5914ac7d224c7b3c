"""A tree with a change made in one of its places after the other, in several, and in all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from ...symbolic.expression import Expression, children, rebuilt

Trees = Iterator[Expression]
Change = Callable[[Expression], Iterable[Expression]]
MOST_AT_ONCE = 6  # places of one mistake that are also tried in every combination


def everywhere(tree: Expression, change: Change) -> Trees:
    """Yield the tree changed in one place after the other, then in several, then in all.

    `change` yields what a node is replaced by, nothing where it stays.
    """
    variants = list(places(tree, change))
    yield from (changed for _, changed in variants)
    if len(variants) > 1:
        paths = [path for path, _ in variants]
        few = len(paths) <= MOST_AT_ONCE
        sizes = range(2, len(paths)) if few else range(0)
        chosen = [set(some) for size in sizes for some in combinations(paths, size)]
        for some in [*chosen, set(paths)]:
            yield at(tree, some, change)


def places(
    tree: Expression, change: Change, path: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], Expression]]:
    for new in change(tree):
        yield path, new
    for position, part in enumerate(children(tree)):
        for deeper, new in places(part, change, (*path, position)):
            yield deeper, with_part(tree, position, new)


def with_part(tree: Expression, position: int, new: Expression) -> Expression:
    parts = iter(range(len(children(tree))))
    return rebuilt(tree, lambda part: new if next(parts) == position else part)


def at(
    tree: Expression, paths: set[tuple[int, ...]], change: Change, path: tuple[int, ...] = ()
) -> Expression:
    """Change a tree in several places, the inner ones first."""
    parts = iter(range(len(children(tree))))
    tree = rebuilt(tree, lambda part: at(part, paths, change, (*path, next(parts))))
    return next(iter(change(tree)), tree) if path in paths else tree
