"""Finding the figures of a passage: what is said to be equal to which numbers.

`RECOGNISERS` lists the kinds of passage that can hold figures; a new kind is one function
and one entry. Each yields statements, a label with the values that are said to be its own,
and remnants, numbers that it could not read as a part of any.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from .markdown import Passage, Piece
from .scanning import Scan
from .tables import Cell, table_statements
from .tex import lex_tex
from .tokens import Lexeme, lex
from .wording import Remnant, Statement

Found = Iterator[Statement | Remnant]
Labels = frozenset[str]
# Languages whose numbers are settings or commands, not results.
NOT_READ = {"sh", "bash", "shell", "console", "toml", "yaml", "yml", "ini", "mermaid", "diff"}
DECIMAL = re.compile(r"\d\.\d+")


def prose(passage: Passage, labels: Labels) -> Found:
    """Read a paragraph: `the mean μ is 0.8898`, `x = 1, 2, 3`, with code and formulas in it."""
    tokens = tokens_of(passage.pieces)
    alone = {piece.kind for piece in passage.pieces if piece.text.strip(" .,:;\n")} == {"math"}
    return Scan(tokens, passage.context, "math" if alone else "prose").statements()


def code(passage: Passage, labels: Labels) -> Found:
    """Read a block of code: arrays, `name = value`, what a line printed."""
    if passage.language in NOT_READ:
        return iter(())
    (piece,) = passage.pieces
    text = re.sub(r"(?m)^\s*(>>>|\.\.\.) ?", "", piece.text)
    return Scan(list(lex(text, piece.line, code=True)), passage.context, "code").statements()


def mathematics(passage: Passage, labels: Labels) -> Found:
    """Read a displayed formula: `\\mu = … \\approx 0.8898`, matrices."""
    (piece,) = passage.pieces
    return Scan(list(lex_tex(piece.text, piece.line)), passage.context, "math").statements()


def table(passage: Passage, labels: Labels) -> Found:
    """Read a table whose columns or rows are quantities, or that is a matrix."""
    rows = [
        [
            Cell(tokens_of(pieces), pieces[0].line if pieces else passage.line, labels)
            for pieces in row
        ]
        for row in passage.rows
    ]
    return table_statements(rows, passage.context, passage.line)


def html(passage: Passage, labels: Labels) -> Found:
    """Say that numbers in HTML are not read."""
    for piece in passage.pieces:
        for position, text in enumerate(piece.text.splitlines()):
            for found in DECIMAL.finditer(text):
                yield Remnant(found[0], piece.line + position, "it stands in HTML")


RECOGNISERS: Mapping[str, Callable[[Passage, Labels], Found]] = {
    "prose": prose,
    "code": code,
    "math": mathematics,
    "table": table,
    "html": html,
}


def recognise(passages: Sequence[Passage], labels: Labels = frozenset()) -> Found:
    """Yield what all passages of a document state; `labels` are those the author named."""
    for passage in passages:
        yield from RECOGNISERS[passage.kind](passage, labels)


def tokens_of(pieces: Sequence[Piece]) -> list[Lexeme]:
    """Cut a paragraph or cell into tokens, each piece in its own way."""
    found: list[Lexeme] = []
    for piece in pieces:
        if piece.kind == "math":
            tokens = [t._replace(code=True) for t in lex_tex(piece.text, piece.line)]
        else:
            tokens = list(lex(piece.text, piece.line, code=piece.kind == "code"))
        if tokens and piece.kind in ("math", "code"):
            tokens[0] = tokens[0]._replace(spaced=True)
        found += tokens
    return found
