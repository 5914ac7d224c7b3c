"""What a laid-out page is made of, and the space it is laid out in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ....quick_classes import NamedTuple
from ....symbolic.expression import Expression
from ....symbolic.text import Token, Write, symbol_text, to_tokens
from ..columns import broken_names, columns, joints, wrap
from ..numbers import Numbers
from .symbols import Symbols

LONGEST = 96  # columns of words; tables and arithmetic take all there is
INDENT = 4
NARROWEST = 40
# Where a long line may be broken besides inside a name: between the arguments that name one
# number of a row, and before a tensor's shape.
BETWEEN = re.compile(r", (?=[^\W\d])")
SHAPE = re.compile(r"\[[\d, ]*\]")


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
        """Break words into lines of a width, and of no more than can well be read."""
        width = min(width, LONGEST)
        lines = wrap(self.symbols(text), width, break_long_words=False)
        # A name that is longer than a line is broken at its joints, and elsewhere if it has none.
        names = (part for line in lines for part in broken_names(line, width))
        return [[Piece(part, style)] for name in names for part in wrap(name, width)]

    def indented(self, lines: list[Line], by: int = INDENT) -> list[Line]:
        """Move lines to the right; empty ones stay empty."""
        return [[Piece(" " * by), *line] if line else [] for line in lines]

    def cut(self, line: Line) -> list[Line]:
        """Break a line that is too long at the joints of its names; numbers stay whole.

        Names that are dimmed are left: words are wrapped already, and LaTeX is to be copied.
        """
        if width_of(line) <= self.width:
            return [line]
        text = "".join(piece.text for piece in line)
        lead = len(text) - len(text.lstrip())
        inside: list[int] = []
        between: list[int] = []
        start = 0
        for piece in line:
            if piece.style != "dim":
                inside += [start + at for at in joints(piece.text)]
                between += [start + match.end() for match in BETWEEN.finditer(piece.text)]
            elif SHAPE.fullmatch(piece.text):
                between.append(start)
            start += len(piece.text)
        for places in (between, inside):
            fitting = [at for at in places if lead < at and columns(text[:at]) <= self.width]
            if fitting:
                break
        else:
            return [line]
        before, behind = _divided(line, max(fitting))
        indent = max(min(lead + 2, self.width - width_of(behind)), INDENT + 2)
        return [before, *self.cut([Piece(" " * indent), *behind])]

    def tokens(self, expression: Expression, leaf: Write = symbol_text) -> list[Piece]:
        """Write an expression, as symbols or with its leaves as `leaf` writes them."""
        return [self._piece(token) for token in to_tokens(expression, leaf)]

    def _piece(self, token: Token) -> Piece:
        return Piece(self.symbols(token.text), token.role)


def width_of(line: Sequence[Piece]) -> int:
    """Return how many columns a line takes."""
    return sum([columns(piece.text) for piece in line])


def _divided(line: Line, place: int) -> tuple[Line, Line]:
    """Return a line up to a place in its text, and from there on."""
    parts: tuple[Line, Line] = [], []
    for text, style in line:
        at = max(place, 0)
        for part, kept in zip(parts, (text[:at], text[at:]), strict=True):
            part += [Piece(kept, style)] if kept else []
        place -= len(text)
    return parts
