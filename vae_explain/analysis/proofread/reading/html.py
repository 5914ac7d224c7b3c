"""HTML as passages: text, code, tables, formulas in TeX or in MathML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Literal

from ..passage import Fragment, Passage
from .formulas_in_text import heading, in_context, pieces

BLOCKS = {
    "p", "div", "li", "section", "article", "main", "td", "th", "tr", "table", "caption", "figure",
    "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "ul", "ol", "blockquote", "br", "header",
    "figcaption", "details", "summary", "pre", "body", "aside", "footer",
}  # fmt: skip
SILENT = {"style", "script", "svg", "head", "template", "noscript", "nav"}
VOID = {"br", "img", "hr", "input", "meta", "link", "wbr", "source", "col"}
SCRIPTS = {"sup": ("^(", ")"), "sub": ("_", " ")}
NAMES = {"msup": ("^",), "msub": ("_",), "msubsup": ("_", "^"), "munderover": ("_", "^")}
NAMES |= {"munder": ("_",), "mover": ("^",)}
AT_ONCE = 2**17  # characters
MOST_PASSAGES = 300_000  # of one document, which a book has not
NO_ELEMENT = re.compile(r"<(?![a-zA-Z/!?])")
MARKS = {"^": "hat", "ˆ": "hat", "¯": "bar", "~": "tilde", "→": "vec", "˜": "tilde"}


def passages(text: str) -> list[Passage]:
    """Return the passages of an HTML document, in order."""
    reader = _Reader()
    # What opens no element is text, and the parser slow with it.
    end = text.rfind(">") + 1
    whole = NO_ELEMENT.sub("＜", text[:end]) + text[end:].replace("<", "＜")
    for start in range(0, len(whole), AT_ONCE):
        if len(reader.passages) > MOST_PASSAGES:  # the rest is one, and too long to be read
            reader.words.append((whole[start:], reader.line))
            break
        reader.feed(whole[start : start + AT_ONCE])
    reader.close()
    reader.flush()
    return list(in_context(reader.passages))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.passages: list[Passage] = []
        self.words: list[tuple[str, int]] = []  # text, and its line
        self.silent: list[str] = []  # elements that are not shown
        self.code = 0
        self.formula: _MathML | None = None
        self.tex = False  # within a script of TeX
        self.rows: list[list[tuple[Fragment, ...]]] | None = None

    @property
    def line(self) -> int:
        return self.getpos()[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.formula is not None:
            self.formula.open(tag, dict(attrs))
            return
        if tag == "script" and "math/tex" in (dict(attrs).get("type") or ""):
            self.tex = True
            return
        if tag in SILENT:
            self.silent.append(tag)
        if self.silent:
            return
        if tag == "math":
            self.formula = _MathML(self.line)
        elif tag in BLOCKS:
            self._open_block(tag)
        elif tag in SCRIPTS:
            self.words.append((SCRIPTS[tag][0], self.line))

    def _open_block(self, tag: str) -> None:
        if self.code and tag == "br":
            self.words.append(("\n", self.line))
            return
        if tag not in ("td", "th"):
            self.flush()
        if tag == "table" and self.rows is None:
            self.rows = []
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag in ("td", "th"):
            self.words = []
        self.code += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if self.formula is not None:
            if tag == "math":
                tex = self.formula.text()
                newlines = "\n" * (self.line - self.formula.line - tex.count("\n"))
                self.words.append((f"\\({tex}{newlines}\\)", self.formula.line))
                self.formula = None
            else:
                self.formula.close(tag)
            return
        if tag == "script" and self.tex:
            self.tex = False
            return
        if self.silent:
            if tag == self.silent[-1]:
                self.silent.pop()
            return
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append(self._pieces())
            self.words = []
        elif tag == "table" and self.rows is not None:
            self._table()
        elif tag in SCRIPTS:
            self.words.append((SCRIPTS[tag][1], self.line))
        elif tag in BLOCKS and tag not in VOID:
            level = int(tag[1:]) if tag[0] == "h" and tag[1:].isdecimal() else 0
            self.flush(level)
            self.code -= tag == "pre" and self.code > 0

    def handle_data(self, data: str) -> None:
        if self.formula is not None:
            self.formula.data(data, self.line)
        elif self.tex:
            self.words.append((f"\\({data}\\)", self.line))
        elif not self.silent:
            self.words.append((data, self.line))

    def _pieces(self) -> tuple[Fragment, ...]:
        text = "".join(text for text, _ in self.words)
        line = self.words[0][1] if self.words else 0
        if self.code:
            return (Fragment("code", text, line),) if text.strip() else ()
        return tuple(piece for piece in pieces(text, line) if piece.text)

    def flush(self, level: int = 0) -> None:
        """End a passage, or a heading of some level."""
        own_pieces = self._pieces()
        self.words = []
        if any(piece.text.strip() for piece in own_pieces):
            kind: Literal["code", "prose"] = "code" if self.code else "prose"
            passage = Passage(kind, own_pieces, (), (), own_pieces[0].line)
            self.passages.append(heading(own_pieces, level) if level else passage)

    def _table(self) -> None:
        rows = tuple(tuple(row) for row in self.rows or () if row)
        self.rows, self.words = None, []
        if rows:
            lines = [piece.line for row in rows for cell in row for piece in cell]
            line = lines[0] if lines else self.line
            self.passages.append(Passage("table", (), rows, (), line))


class _MathML:
    """A formula in MathML, written as TeX while its elements close."""

    def __init__(self, line: int) -> None:
        self.line = self.at = line  # where it begins, and how far it was written
        self.stack: list[tuple[str, list[str]]] = [("math", [])]
        self.source = ""  # the TeX that it says it was made from
        self.newlines = 0  # before what is open

    def open(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "annotation" and "tex" not in (attributes.get("encoding") or ""):
            tag = "ignored"
        if tag not in ("mspace", "none", "mprescripts"):
            self.stack.append((tag, []))

    def data(self, data: str, line: int) -> None:
        shown = data.strip()
        if shown:  # on its own line, so that a number of it is found there
            first = line + data[: data.index(shown)].count("\n")
            self.newlines += first - self.at
            self.at = first
        self.stack[-1][1].append(shown or " ")

    def close(self, tag: str) -> None:
        """Write an element from its parts; one that was never opened says nothing."""
        if len(self.stack) == 1 or tag in ("mspace", "none", "mprescripts"):
            return
        closed, parts = self.stack.pop()
        if closed == "annotation":
            self.source = "".join(parts)
            return
        if closed != "ignored":
            tex = _as_tex(closed, [part for part in parts if part.strip()])
            self.stack[-1][1].append("\n" * self.newlines + tex)
            self.newlines = 0

    def text(self) -> str:
        while len(self.stack) > 1:
            self.close(self.stack[-1][0])
        return self.source or "".join(self.stack[0][1])


def _as_tex(tag: str, parts: list[str]) -> str:
    grouped = [f"{{{part}}}" for part in parts]
    if tag == "mfrac" and len(parts) == 2:
        return f"\\frac{grouped[0]}{grouped[1]}"
    if tag == "mover" and len(parts) == 2 and parts[1].strip() in MARKS:
        return f"\\{MARKS[parts[1].strip()]}{grouped[0]}"
    if tag in NAMES and len(parts) == len(NAMES[tag]) + 1:
        marks = zip(NAMES[tag], grouped[1:], strict=True)
        base = parts[0] if len(parts[0]) == 1 or parts[0][:1] == "\\" else grouped[0]
        return base + "".join(sign + part for sign, part in marks)
    if tag == "msqrt":
        return f"\\sqrt{{{''.join(parts)}}}"
    if tag == "mroot" and len(parts) == 2:
        return f"\\sqrt[{parts[1]}]{grouped[0]}"
    if tag == "mtd":
        return "".join(parts) + "&"
    if tag == "mtr":
        return "".join(parts).rstrip("&") + "\\\\"
    if tag == "mtable":
        return f"\\begin{{matrix}}{''.join(parts)}\\end{{matrix}}"
    if tag == "mtext":
        return f"\\text{{{''.join(parts)}}}"
    if tag == "mi" and len("".join(parts)) > 1 and "".join(parts).isascii():
        return f"\\mathrm{{{''.join(parts)}}}"
    inside = "".join(parts)
    return f" {inside} " if tag in ("mi", "mo", "mn") else inside
