"""Numbers that are listed with their places: `of fc1.weight [0,1] 0.286, [0,2] 0.430; of …`.

So our own pages say which of their numbers PyTorch's own arithmetic has otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ....quick_classes import NamedTuple
from ..grammar.counts import count_of
from ..grammar.syntax import Row, Tree
from ..grammar.tokens import MathToken
from ..passage import Passage, plain
from .statement import DocumentStatement
from .values import read_value, text_of

FULL = re.compile(r"In PyTorch's float\d+, with parameters and .{1,12} unrounded")
LONGEST = 24  # tokens of a tensor's name


class Listed(NamedTuple):
    """What a paragraph lists, and the tokens that are left of it."""

    statements: list[DocumentStatement]
    rest: list[MathToken]


def listed(passage: Passage, tokens: list[MathToken]) -> Listed:
    """Take the listed numbers out of a paragraph that says that they are PyTorch's own."""
    if FULL.search(plain(passage.pieces)) is None:
        return Listed([], tokens)
    statements, rest, end = [], [], 0
    position = 0
    while position < len(tokens):
        entries = list(_entries(tokens, position)) if tokens[position].text == "[" else []
        if entries:
            start = _begins(tokens, position)
            value = Row(tuple(number for _, number, _ in entries))
            label = text_of(tokens[start:position])
            line, places = tokens[position].line, tuple(place for place, _, _ in entries)
            statements.append(
                DocumentStatement(
                    label, (value,), passage.context, line, indices=places, arithmetic="full"
                )
            )
            rest += tokens[end:start]
            position = end = entries[-1][2]
        else:
            position += 1
    return Listed(statements, [*rest, *tokens[end:]])


def _begins(tokens: Sequence[MathToken], end: int) -> int:
    """Return where the name begins that stands before a list, behind `of`."""
    behind = (i + 1 for i in range(end - 1, max(-1, end - LONGEST), -1) if tokens[i].text == "of")
    return next(behind, end)


def _entries(
    tokens: Sequence[MathToken], position: int
) -> Iterator[tuple[tuple[int, ...], Tree, int]]:
    """Yield the places and numbers of a list, and where each ends."""
    while (place := _place(tokens, position)) is not None:
        index, position = place
        read = read_value(tokens, position)
        if read is None or isinstance(read[0], Row):
            return
        value, position = read
        yield index, value, position
        if position >= len(tokens) or tokens[position].kind != "comma":
            return
        position += 1


def _place(tokens: Sequence[MathToken], position: int) -> tuple[tuple[int, ...], int] | None:
    """Read `[0,1]`, and say where it ends."""
    index: list[int] = []
    for i in range(position, len(tokens)):
        token = tokens[i]
        if token.kind == "number" and token.text.isdecimal():
            index.append(count_of(token.text))
        elif token.text == "]" and index:
            return tuple(index), i + 1
        elif token.kind != "comma" and (i > position or token.text != "["):
            return None
    return None
