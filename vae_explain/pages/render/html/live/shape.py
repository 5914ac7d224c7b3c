"""Pairs the blocks of a document with those of another one, whose regions it takes on.

A document of a KL of weight 0 leaves out blocks that one of another weight has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from ....blocks import PART, Block, Matrix, Prose

Group = list[Block]  # a block and those that its recipe makes too


def grouped(blocks: Sequence[Block]) -> list[Group]:
    groups: list[Group] = []
    for block in blocks:
        if getattr(block, "recipe", None) == PART:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def kind_of(block: Block) -> tuple[object, ...]:
    """Return what two blocks have in common that say the same of other numbers."""
    recipe = getattr(block, "recipe", None) or {}
    name = getattr(block, "name", getattr(block, "title", getattr(block, "left", "")))
    words = block.text if isinstance(block, Prose) and not recipe else ""
    return type(block), name, words, *map(str, map(recipe.get, ("kind", "of", "count")))


def beside(own: Sequence[Group], like: Sequence[Group]) -> Iterator[tuple[Group, Group]]:
    """Pair the groups of a page with those of another; one that this lacks joins the next pair."""
    ours, theirs = ([kind_of(group[0]) for group in groups] for groups in (own, like))
    waiting: Group = []
    for _, start, end, first, last in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        here = range(max(end - start, last - first))
        for at in here:
            mine = own[start + at] if start + at < end else []
            if first + at < last:
                yield [*waiting, *mine], like[first + at]
                waiting = []
            else:
                waiting = [*waiting, *mine]


def without_signs(block: Block) -> Block:
    """Return a block without signed zeros, which the script does not write."""
    return block._replace(signed_zeros=False) if isinstance(block, Matrix) else block
