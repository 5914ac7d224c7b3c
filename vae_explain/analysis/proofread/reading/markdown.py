"""A document's structure: its passages in order, each with the words it stands under.

markdown-it-py reads the CommonMark; two rules of ours keep formulas whole, whose
underscores, stars and backslashes mean nothing else. Here ends all knowledge of Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import unescape
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from ..passage import Fragment, Passage, plain
from .formulas_in_text import DISPLAY, end_of
from .html import SCRIPTS

LARGE = 2**20  # characters; a longer document is read line by line, as plain text
DEEPEST = 200  # lists in quotes in lists; the parser passes over what lies deeper
# In one paragraph: the parser looks from each bracket for what a link may be, to the end of it.
MOST_BRACKETS = 2000
FENCES = (("$$", "$$"), ("\\[", "\\]"))
SPANS = (("$$", "$$"), ("$`", "`$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$"))
MATH_LANGUAGES = {"math", "latex", "tex", "katex"}
TAGS = {
    f"<{slash}{tag}>": shown
    for tag, around in SCRIPTS.items()
    for slash, shown in zip(("", "/"), around, strict=True)
}
TOUCHES = re.compile(r"[\d)\].]$"), re.compile(r"^[-\d(.]")


def passages(text: str) -> list[Passage]:
    """Return the passages of a document, in order."""
    # Up to 4.2 the parser runs past the end of a document whose last line, without an end of
    # its own, is an empty one of a quoted table (its issue 415).
    whole = text if text.endswith("\n") else f"{text}\n"
    linked = all(part.count("[") <= MOST_BRACKETS for part in whole.split("\n\n"))
    return list(_Reader(_parser(linked).parse(whole)).passages())


@cache
def _parser(linked: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table")
    if not linked:
        parser.disable(["link", "image", "reference"])
    parser.inline.ruler.before("escape", "math_inline", _math_inline)
    interrupts = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("fence", "math_block", _math_block, {"alt": interrupts})
    return parser


def _math_inline(state: StateInline, silent: bool) -> bool:
    for opening, closing in SPANS:
        if not state.src.startswith(opening, state.pos):
            continue
        start = state.pos + len(opening)
        # Where it closes nothing from here on, nor does it further on.
        missing = state.env.setdefault("unclosed", {})
        if missing.get(closing) is state.src:
            continue
        end = state.src.find(closing, start, state.posMax)
        if end < 0:
            missing[closing] = state.src
        inside = state.src[start:end] if end > start else ""
        if not inside.strip():
            continue
        after = state.src[end + len(closing) : end + len(closing) + 1]
        if opening == "$" and (_is_money(inside) or after.isdecimal()):
            continue
        if not silent:
            state.push("math_inline", "math", 0).content = inside
        state.pos = end + len(closing)
        return True
    return False


def _is_money(inside: str) -> bool:
    """Whether dollars are money: `$5 and $6` has a space inside, `$ \\sigma $` one at each end."""
    if inside[0] == "\n" == inside.rstrip(" ")[-1]:
        return False  # a formula on lines of its own
    spaced = inside != inside.strip()
    return spaced and not (inside[0] == inside[-1] == " " and any(c in inside for c in "\\_^"))


def _math_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """Read `$$ … $$`, `\\[ … \\]` or an environment that opens and closes lines.

    It may hold empty lines.
    """
    if state.is_code_block(first):
        return False
    opened = _line_of(state, first)
    display = DISPLAY.match(opened)
    for opening, closing in ((display[0], end_of(display)),) if display else FENCES:
        if not opened.startswith(opening):
            continue
        for line in range(first, last):
            shown = _line_of(state, line)
            inside = shown[len(opening) :] if line == first else shown
            if closing not in inside:
                continue
            if not inside.rstrip().endswith(closing):
                return False  # words follow: a formula inside a paragraph
            if not silent:
                token = state.push("math_block", "math", 0)
                whole = "\n".join(_line_of(state, i) for i in range(first, line + 1)).rstrip()
                token.content = whole[len(opening) : -len(closing)]
                token.map = [first, line + 1]
                state.line = line + 1
            return True
    return False


def _line_of(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


class _Reader:
    """Walks over the tokens of a document and remembers what each passage stands under."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.headings: list[tuple[int, tuple[Fragment, ...]]] = []
        self.frames: list[tuple[Fragment, ...] | None] = [None]  # the last paragraph of each level

    def passages(self) -> Iterator[Passage]:
        position = 0
        while position < len(self.tokens):
            token = self.tokens[position]
            match token.type:
                case "list_item_open" | "blockquote_open":
                    self.frames.append(None)
                case "list_item_close" | "blockquote_close":
                    self.frames.pop()
                case "heading_open":
                    self._heading(token, self.tokens[position + 1])
                case "table_open":
                    end = position
                    while self.tokens[end].type != "table_close":
                        end += 1
                    yield self._table(token, self.tokens[position:end])
                    position = end
                case "inline" if self.tokens[position - 1].type == "paragraph_open":
                    pieces = tuple(_pieces(token))
                    yield self._passage("prose", token, pieces)
                    self.frames[-1] = pieces
                case "math_block":
                    pieces = (Fragment("math", token.content, _line(token)),)
                    yield self._passage("math", token, pieces)
                    self._names(pieces)
                case "fence" | "code_block":
                    passage = self._code(token)
                    yield passage
                    if passage.kind == "math":
                        self._names(passage.pieces)
                case "html_block":
                    shown = unescape(token.content)
                    yield self._passage("html", token, (Fragment("text", shown, _line(token)),))
            position += 1

    def _heading(self, token: Token, inline: Token) -> None:
        level = int(token.tag[1:])
        self.headings = [entry for entry in self.headings if entry[0] < level]
        self.headings.append((level, tuple(_pieces(inline))))
        self.frames = [None] * len(self.frames)

    def _names(self, pieces: tuple[Fragment, ...]) -> None:
        """Let a formula name what follows it; a matrix of numbers names nothing."""
        if "=" in plain(pieces) or not any(sign.isdecimal() for sign in plain(pieces)):
            self.frames[-1] = pieces

    def _passage(
        self,
        kind: Literal["prose", "code", "math", "html"],
        token: Token,
        pieces: tuple[Fragment, ...],
    ) -> Passage:
        return Passage(kind, pieces, (), self._context(), _line(token))

    def _context(self) -> tuple[tuple[Fragment, ...], ...]:
        around = [frame for frame in reversed(self.frames) if frame]
        return (*around, *(pieces for _, pieces in reversed(self.headings)))

    def _code(self, token: Token) -> Passage:
        words = token.info.strip().split()
        language = words[0].lower() if words else ""
        first = _line(token) + (token.type == "fence")
        kind: Literal["math", "code"] = "math" if language in MATH_LANGUAGES else "code"
        pieces = (Fragment(kind, token.content, first),)
        return Passage(kind, pieces, (), self._context(), first, language)

    def _table(self, opening: Token, tokens: Sequence[Token]) -> Passage:
        rows: list[list[tuple[Fragment, ...]]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(tuple(_pieces(token)))
        shown = tuple(tuple(row) for row in rows)
        return Passage("table", (), shown, self._context(), _line(opening))


def _line(token: Token) -> int:
    return (token.map[0] if token.map else 0) + 1


def _pieces(inline: Token) -> Iterator[Fragment]:
    """Yield the text of a paragraph, heading or cell."""
    line = _line(inline)
    strong = 0
    children = inline.children or []
    before = ""
    for position, child in enumerate(children):
        kind: Literal["text", "code", "math", "strong"] = "strong" if strong else "text"
        text = child.content
        match child.type:
            case "text" | "text_special":
                pass
            case "code_inline":
                kind = "code"
            case "math_inline":
                kind = "math"
            case "softbreak":
                text = "\n"
            case "hardbreak":
                text = " ;\n"  # it ends a clause, as the author saw it
            case "strong_open":
                strong += 1
            case "strong_close":
                strong -= 1
            case "em_open" | "em_close":
                # `2*(-0.1) + 3*4`: stars between numbers multiply.
                after = next((c.content for c in children[position + 1 :] if c.content), "")
                times = TOUCHES[0].search(before) and TOUCHES[1].search(after)
                text = child.markup if times else ""
            case "html_inline":
                text = TAGS.get(text.lower(), "")
            case _:
                text = ""  # a link's own brackets, an image
        if text:
            yield Fragment(kind, text, line)
            before = text
        line += text.count("\n")
