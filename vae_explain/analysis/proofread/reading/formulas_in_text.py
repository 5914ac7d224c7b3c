"""Formulas between their delimiters, `$…$`, `\\(…\\)`, found in any text, and what it stands under.

Headings and paragraphs come in order, in formats that give no more than that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ..passage import Fragment, Passage

DELIMITERS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
# Environments that are formulas without any delimiter.
DISPLAYS = "equation|align|gather|multline|displaymath|eqnarray|flalign|math"
DISPLAY = re.compile(rf"\\begin\{{(?P<display>(?:{DISPLAYS})\*?)\}}")
OPENING = re.compile(rf"\\\\|\\\$|\$\$|\$|\\\[|\\\(|{DISPLAY.pattern}")
CHOSEN = re.compile(r"[=≈+*/^_\\{}]|\d|^\w'*$")  # what is in a formula between dollars
LONGEST = 20_000  # characters of a paragraph
MOST_LINES = 6  # over which one between single dollars may go
ITEM = re.compile(r"[ \t]*([-+*•–—])[ \t]")  # what begins an entry of a list
HEADING = "heading"  # the language of a passage that is one


def pieces(text: str, line: int) -> Iterator[Fragment]:
    """Part a text into formulas and words."""
    missing: set[str] = set()  # delimiters that close nothing any more
    start = position = 0
    while (opening := OPENING.search(text, position)) is not None:
        closing = end_of(opening) if opening["display"] else DELIMITERS.get(opening[0])
        end = -1
        if closing is not None and closing not in missing:
            end = text.find(closing, opening.end())
            if end < 0:
                missing.add(closing)
        if end < 0 or closing is None or not _is_formula(text[opening.end() : end], closing):
            position = opening.end()
            continue
        if opening.start() > start:
            words = text[start : opening.start()]
            yield Fragment("text", words, line)
            line += words.count("\n")
        inside = text[opening.end() : end]
        yield Fragment("math", inside, line)
        line += inside.count("\n")
        start = position = end + len(closing)
    if start < len(text):
        yield Fragment("text", text[start:], line)


def end_of(display: re.Match[str]) -> str:
    """Return what ends an environment that `DISPLAY` has found the beginning of."""
    return f"\\end{{{display['display']}}}"


def _is_formula(inside: str, closing: str) -> bool:
    if closing != "$":
        return True
    return bool(inside) and inside.count("\n") <= MOST_LINES and CHOSEN.search(inside) is not None


def prose(text: str, line: int, context: Sequence[tuple[Fragment, ...]] = ()) -> Passage:
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
            yield from _items(part, line)
        line += part.count("\n")


def _items(paragraph: str, line: int) -> Iterator[Passage]:
    """Yield a paragraph, or the entries of a list where its first line begins one."""
    marker = ITEM.match(paragraph)
    entries = [paragraph]
    if marker is not None:
        entries = re.split(rf"(?m)(?<=\n)(?=[ \t]*{re.escape(marker[1])}[ \t])", paragraph)
    for entry in entries:
        yield prose(entry, line)
        line += entry.count("\n")


def heading(pieces: tuple[Fragment, ...], level: int) -> Passage:
    """Return a heading, on its way through `in_context`."""
    return Passage("prose", pieces, (), ((),) * level, pieces[0].line, HEADING)


def in_context(all_passages: Iterable[Passage]) -> Iterator[Passage]:
    """Yield the passages under what they stand: the paragraph before, and the headings."""
    headings: list[tuple[int, tuple[Fragment, ...]]] = []
    before: tuple[Fragment, ...] = ()
    for passage in all_passages:
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
