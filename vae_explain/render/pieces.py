"""What a laid-out page is made of, and the space it is laid out in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..blocks import Places
from ..expression import Expression
from ..writing import Token, to_tokens
from .columns import columns, wrap
from .numbers import Numbers
from .symbols import Symbols

INDENT = 4
NARROWEST = 40


class Piece(NamedTuple):
    """Some text and what it is, which the terminal turns into a colour."""

    text: str
    style: str = ""


Line = list[Piece]


class Canvas:
    """The width to fill, how numbers are written and which signs there are."""

    def __init__(self, width: int, numbers: Numbers, symbols: Symbols) -> None:
        self.width = max(width, NARROWEST)
        self.room = self.width - INDENT
        self.numbers = numbers
        self.symbols = symbols

    def narrowed(self, by: int) -> Canvas:
        """Return a canvas with less room, for what stands indented."""
        inner = Canvas(self.width, self.numbers, self.symbols)
        inner.room = self.room - by
        return inner

    def wrapped(self, text: str, width: int, style: str) -> list[Line]:
        """Break words into lines of a width."""
        plain = self.symbols(text)
        return [[Piece(part, style)] for part in wrap(plain, width)]

    def indented(self, lines: list[Line], by: int = INDENT) -> list[Line]:
        """Move lines to the right; empty ones stay empty."""
        return [[Piece(" " * by), *line] if line else [] for line in lines]

    def tokens(
        self, expression: Expression, numbers: bool, places: Places | None = None
    ) -> list[Piece]:
        """Write an expression as symbols or as numbers, these by what each is or by `places`."""
        if not numbers:
            return [self._piece(token) for token in to_tokens(expression)]
        tokens = to_tokens(expression, lambda node: self.numbers.leaf(node, places))
        return [self._piece(token) for token in tokens]

    def _piece(self, token: Token) -> Piece:
        return Piece(self.symbols(token.text), token.role)


def width_of(line: Sequence[Piece]) -> int:
    """Return how many columns a line takes."""
    return sum([columns(piece.text) for piece in line])
