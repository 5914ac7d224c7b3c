"""A LaTeX document as passages: paragraphs, displayed formulas, tables, listings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..passage import Fragment, Passage
from .formulas_in_text import DISPLAYS, heading, in_context, pieces, prose

COMMENT = re.compile(r"(?<!\\)%.*")
ENVIRONMENT = re.compile(
    rf"\\begin\{{(?P<name>{DISPLAYS}"
    r"|tabular[xy]?|longtable|verbatim|lstlisting|minted|picture|tikzpicture)(?P<star>\*?)\}"
)
DRAWINGS = {"picture", "tikzpicture"}  # whose numbers are places on the page
TABLES = {"tabular", "tabularx", "tabulary", "longtable"}
LISTINGS = {"verbatim", "lstlisting", "minted"}
# A formula that goes on behind a line's end.
CONTINUED = re.compile(r"\$ *\\\\ *\n *\$ *(?:\{\}|(?=[=<>+-]|\\(?:approx|cdot|times)\b))")
# Braces that are not those of a command's argument only group.
BRACES = re.compile(r"(\\[a-zA-Z]+\*?(?:\{[^{}]*\})+)|[{}]")
TITLE = r"\\(?:sub)*section\*?\{[^{}\n]+\}|\\paragraph\*?\{[^{}\n]+\}"
# \nopagebreak stands between a caption and the display that it names.
PARTED = re.compile(rf"(\n\s*\n|\\item\b|\\nopagebreak\b|{TITLE})")
HEADING = re.compile(
    r"\\(?:sub)*section\*?\{(?P<section>[^{}\n]+)\}|\\paragraph\*?\{(?P<paragraph>[^{}\n]+)\}"
)
WORDS = re.compile(
    r"\\(?:textbf|emph|textit|texttt|small|footnotesize|item|noindent|nopagebreak)\b"
    r"|\\setcounter\{[a-z]+\}\{\d+\}|\\(?:begin|end)\{(?:center|arithmetic|list|itemize|enumerate)\}"
)
RULES = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|cline\{[^}]*\}|rowcolor\{[^}]*\})")
LEAD = re.compile(rf"^(?:\s|{RULES.pattern})*")  # what stands before the first cell of a row


def passages(text: str) -> list[Passage]:
    """Return the passages of a LaTeX document, in order."""
    begin = text.find("\\begin{document}")
    start = 0 if begin < 0 else begin + len("\\begin{document}")
    head = re.sub(r"[^\n]", "", text[:start])  # its lines are counted, and not read
    return list(in_context(_passages(head + COMMENT.sub("", text[start:]).replace("$-$", "-"))))


def _passages(text: str) -> Iterator[Passage]:
    position, line = 0, 1
    while (opening := ENVIRONMENT.search(text, position)) is not None:
        end_sign = f"\\end{{{opening['name']}{opening['star']}}}"
        end = text.find(end_sign, opening.end())
        if end < 0:
            break
        between = text[position : opening.start()]
        yield from _paragraphs(between, line)
        line += between.count("\n")
        inside = text[opening.end() : end]
        if opening["name"] not in DRAWINGS:
            yield _environment(opening["name"], inside, line)
        line += inside.count("\n")
        position = end + len(end_sign)
    yield from _paragraphs(text[position:], line)


def _paragraphs(text: str, line: int) -> Iterator[Passage]:
    for part in PARTED.split(text):
        title = HEADING.fullmatch(part)
        words = CONTINUED.sub("\n", WORDS.sub("", part))
        if title is not None:
            level = 1 + part.count("sub") if title["section"] else 4
            yield heading((Fragment("text", title["section"] or title["paragraph"], line),), level)
        elif words.strip():
            paragraph = prose(words, line)
            yield paragraph._replace(pieces=tuple(map(_without_braces, paragraph.pieces)))
        line += part.count("\n")


def _without_braces(piece: Fragment) -> Fragment:
    if piece.kind != "text":
        return piece
    return piece._replace(text=BRACES.sub(lambda found: found[1] or "", piece.text))


def _environment(name: str, inside: str, line: int) -> Passage:
    if name in LISTINGS:
        return Passage("code", (Fragment("code", inside, line),), (), (), line)
    if name not in TABLES:
        return Passage("math", (Fragment("math", inside, line),), (), (), line)
    rows: list[tuple[tuple[Fragment, ...], ...]] = []
    body = re.sub(r"^\s*(?:\{[^{}]*\}\s*)+", "", inside, count=1)
    line += inside[: len(inside) - len(body)].count("\n")
    for row in body.split("\\\\"):
        shown = RULES.sub("", row)
        first = line + LEAD.findall(row)[0].count("\n")
        if shown.strip():
            cells = re.split(r"(?<!\\)&", shown)
            rows.append(tuple(tuple(pieces(cell.strip(), first)) for cell in cells))
        line += row.count("\n")
    return Passage("table", (), tuple(rows), (), line)
