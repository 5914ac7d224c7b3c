"""A LaTeX document as passages: paragraphs, displayed formulas, tables, listings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .formulas_in_text import pieces, prose
from .markdown import Passage, Piece

COMMENT = re.compile(r"(?<!\\)%.*")
ENVIRONMENT = re.compile(
    r"\\begin\{(?P<name>equation|align|gather|multline|displaymath|eqnarray|flalign|math"
    r"|tabular[xy]?|longtable|verbatim|lstlisting|minted)(?P<star>\*?)\}"
)
TABLES = {"tabular", "tabularx", "tabulary", "longtable"}
LISTINGS = {"verbatim", "lstlisting", "minted"}
HEADING = re.compile(r"\\(?:sub)*section\*?\{([^{}]*)\}|\\paragraph\*?\{([^{}]*)\}")
WORDS = re.compile(
    r"\\(?:textbf|emph|textit|texttt|small|footnotesize|item|noindent|nopagebreak)\b"
)
RULES = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\}|rowcolor\{[^}]*\})")


def passages(text: str) -> list[Passage]:
    """Return the passages of a LaTeX document, in order."""
    begin = text.find("\\begin{document}")
    start = 0 if begin < 0 else begin + len("\\begin{document}")
    head = re.sub(r"[^\n]", "", text[:start])  # its lines are counted, and not read
    return list(_passages(head + COMMENT.sub("", text[start:])))


def _passages(text: str) -> Iterator[Passage]:
    position, line = 0, 1
    context: tuple[tuple[Piece, ...], ...] = ()
    while (found := ENVIRONMENT.search(text, position)) is not None:
        end_sign = f"\\end{{{found['name']}{found['star']}}}"
        end = text.find(end_sign, found.end())
        if end < 0:
            break
        between = text[position : found.start()]
        yield from _paragraphs(between, line, context)
        context = _context(between, line) or context
        line += between.count("\n")
        inside = text[found.end() : end]
        yield _environment(found["name"], inside, line, context)
        line += inside.count("\n")
        position = end + len(end_sign)
    yield from _paragraphs(text[position:], line, context)


def _context(text: str, line: int) -> tuple[tuple[Piece, ...], ...]:
    headings = [found[1] or found[2] for found in HEADING.finditer(text)]
    return ((Piece("text", headings[-1], line),),) if headings else ()


def _paragraphs(text: str, line: int, context: tuple[tuple[Piece, ...], ...]) -> Iterator[Passage]:
    for part in re.split(r"(\n\s*\n|\\item\b)", text):
        words = WORDS.sub("", HEADING.sub("", part))
        if words.strip():
            yield prose(words, line, context)
        line += part.count("\n")


def _environment(
    name: str, inside: str, line: int, context: tuple[tuple[Piece, ...], ...]
) -> Passage:
    if name in LISTINGS:
        return Passage("code", (Piece("code", inside, line),), (), context, line)
    if name not in TABLES:
        return Passage("math", (Piece("math", inside, line),), (), context, line)
    rows: list[tuple[tuple[Piece, ...], ...]] = []
    body = re.sub(r"^\s*(?:\{[^{}]*\}\s*)+", "", inside, count=1)
    line += inside[: len(inside) - len(body)].count("\n")
    for row in body.split("\\\\"):
        shown = RULES.sub("", row)
        if shown.strip():
            cells = re.split(r"(?<!\\)&", shown)
            rows.append(tuple(tuple(pieces(cell.strip(), line + 1)) for cell in cells))
        line += row.count("\n")
    return Passage("table", (), tuple(rows), context, line)
