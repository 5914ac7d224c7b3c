"""Formulas between their delimiters, `$…$`, `\\(…\\)`, found in any text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..passage import Passage, Piece

DELIMITERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
OPENING = re.compile(r"\\\\|\\\$|\$\$|\$|\\\[|\\\(")
CHOSEN = re.compile(r"[=≈+*/^_\\{}]|\d")  # what a formula between single dollars has
LONGEST = 20_000  # characters of a paragraph
MOST_LINES = 6  # over which one between single dollars may go


def pieces(text: str, line: int) -> Iterator[Piece]:
    """Part a text into formulas and words."""
    missing: set[str] = set()  # delimiters that close nothing any more
    start = position = 0
    while (found := OPENING.search(text, position)) is not None:
        closing = DELIMITERS.get(found[0])
        end = -1
        if closing is not None and closing not in missing:
            end = text.find(closing, found.end())
            if end < 0:
                missing.add(closing)
        if end < 0 or closing is None or not _is_formula(text[found.end() : end], closing):
            position = found.end()
            continue
        if found.start() > start:
            words = text[start : found.start()]
            yield Piece("text", words, line)
            line += words.count("\n")
        inside = text[found.end() : end]
        yield Piece("math", inside, line)
        line += inside.count("\n")
        start = position = end + len(closing)
    if start < len(text):
        yield Piece("text", text[start:], line)


def _is_formula(inside: str, closing: str) -> bool:
    if closing != "$":
        return True
    return bool(inside) and inside.count("\n") <= MOST_LINES and CHOSEN.search(inside) is not None


def prose(text: str, line: int, context: Sequence[tuple[Piece, ...]] = ()) -> Passage:
    """Return a paragraph with its formulas."""
    return Passage("prose", tuple(pieces(text, line)), (), tuple(context), line)


def paragraphs(text: str) -> Iterator[Passage]:
    """Yield the paragraphs of plain text; of a long one, every line."""
    line = 1
    for part in re.split(r"(\n[ \t\r]*\n)", text):
        if len(part) > LONGEST:
            for number, shown in enumerate(part.split("\n"), line):
                yield prose(shown, number)
        elif part.strip():
            yield prose(part, line)
        line += part.count("\n")
