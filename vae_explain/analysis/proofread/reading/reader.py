"""Reads passages: which statements each makes, and which numbers are left.

`READERS` lists the kinds of passage that can hold figures; a new kind is one function and
one entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..grammar.tokens import MathToken, Mode, lex
from ..passage import Fragment, Passage
from .listed import listed
from .parts import joined
from .running_text import Scan
from .statement import Found, Headings, Remnant
from .tables import Cell, table_statements

Reader = Callable[[Passage, Headings], Iterator[Found]]
# Languages whose numbers are settings or commands, not results.
NOT_READ = {"sh", "bash", "shell", "console", "toml", "yaml", "yml", "ini", "mermaid", "diff"}
DECIMAL = re.compile(r"\d\.\d+")
# What a page of ours remarks where a line gives fewer digits than the run has: the same number.
COMPUTED = re.compile(r"(?m)(?:^|(?<=\w), )computed: [-−]?[\d.]+(?:e[-−+]\d+)?(?=\s*$)")


def prose(passage: Passage, headings: Headings) -> Iterator[Found]:
    """Read a paragraph: `the mean μ is 0.8898`, `x = 1, 2, 3`, with code and formulas in it."""
    statements, tokens = listed(passage, tokens_of(passage.pieces))
    yield from statements
    alone = {piece.kind for piece in passage.pieces if piece.text.strip(" .,:;\n")} == {"math"}
    yield from Scan(tokens, passage.context, "math" if alone else "prose").statements()


def code(passage: Passage, headings: Headings) -> Iterator[Found]:
    """Read a block of code: arrays, `name = value`, what a line printed."""
    if passage.language in NOT_READ:
        return iter(())
    (piece,) = passage.pieces
    text = re.sub(r"(?m)^\s*(>>>|\.\.\.) ?", "", piece.text)
    return Scan(list(lex(text, piece.line, "code")), passage.context, "code").statements()


def mathematics(passage: Passage, headings: Headings) -> Iterator[Found]:
    """Read a displayed formula: `\\mu = … \\approx 0.8898`, matrices."""
    return Scan(tokens_of(passage.pieces), passage.context, "math").statements()


def table(passage: Passage, headings: Headings) -> Iterator[Found]:
    """Read a table whose columns or rows are quantities, or that is a matrix."""
    rows = [
        [
            Cell(tokens_of(pieces), pieces[0].line if pieces else passage.line, headings)
            for pieces in row
        ]
        for row in passage.rows
    ]
    return table_statements(rows, passage.context, passage.line)


def html(passage: Passage, headings: Headings) -> Iterator[Found]:
    """Say that numbers in HTML are not read."""
    for piece in passage.pieces:
        for position, text in enumerate(piece.text.splitlines()):
            for decimal in DECIMAL.finditer(text):
                yield Remnant(decimal[0], piece.line + position, "it stands in HTML")


READERS: Mapping[str, Reader] = {
    "prose": prose,
    "code": code,
    "math": mathematics,
    "table": table,
    "html": html,
}


def read(passages: Sequence[Passage], headings: Headings) -> Iterator[Found]:
    """Yield what all passages of a document state."""
    yield from joined(
        statement for passage in passages for statement in READERS[passage.kind](passage, headings)
    )


def tokens_of(pieces: Sequence[Fragment]) -> list[MathToken]:
    """Cut a paragraph or cell into tokens, each piece in its own way."""
    tokens: list[MathToken] = []
    for piece in pieces:
        mode: Mode = piece.kind if piece.kind in ("math", "code") else "text"
        text = COMPUTED.sub("", piece.text) if mode != "math" else piece.text
        tokens += lex(text, piece.line, mode)
    return tokens
