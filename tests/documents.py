"""Documents of several runs, written once for all tests, and their arithmetic read back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .pages import Claim, command_line

EXAMPLE = Path(__file__).parent.parent / "docs" / "examples" / "small_vae.py"
OWN = ("--model", f"{EXAMPLE}:SmallVAE", "--loss", f"{EXAMPLE}:loss", "--x", "0.2,0.9,0.5")
# Three seeds and sizes of the built-in VAE, and a user's own model.
RUNS = {
    "default": (),
    "deep": ("--dims", "6-5-4-3-4-5-6", "--activation", "tanh", "--seed", "7"),
    "batch": (
        *("--dims", "3-4-1-4-3", "--recon", "bce", "--reduction", "mean", "--beta", "2"),
        *("--seed", "3", "--x", "0,1,0.5", "--x", "1,0.25,0", "--arithmetic", "full"),
    ),
    "own": OWN,
}
SMALL = ("--dims", "3-2-1-2-3", "--seed", "5", "--x", "1,-0.5,2")  # for goldens, to be read
_WRITTEN: dict[tuple[str, tuple[str, ...]], str] = {}


def document(form: str, *options: str) -> str:
    """Return a document on standard output, made once for each run and format."""
    key = form, options
    if key not in _WRITTEN:
        outcome = command_line("document", "--format", form, *options)
        assert (outcome.code, outcome.err) == (0, "")
        _WRITTEN[key] = outcome.out
    return _WRITTEN[key]


# --- Markdown ---------------------------------------------------------------------------

PARSER = MarkdownIt("commonmark").enable("table")


class Cells(NamedTuple):
    """A table as a reader sees it: the text of its header and its rows."""

    header: list[str]
    rows: list[list[str]]


def tokens(markdown: str) -> list[Token]:
    return PARSER.parse(markdown)


def shown(token: Token) -> str:
    """Return the text that a reader sees of an inline token; its HTML tags are no text."""
    parts = []
    for child in token.children or ():
        assert child.type != "html_inline" or child.content in ("<span>", "</span>")
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
    return "".join(parts)


def tables(markdown: str) -> Iterator[Cells]:
    """Yield the tables of a document."""
    rows: list[list[str]] = []
    for token in tokens(markdown):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and token.level >= 4 and rows:
            rows[-1].append(shown(token))
        elif token.type == "table_close":
            yield Cells(rows[0], rows[1:])
            rows = []


def paragraphs(markdown: str) -> Iterator[str]:
    """Yield the text of each paragraph."""
    found = tokens(markdown)
    for before, token in pairwise(found):
        if before.type == "paragraph_open" and token.type == "inline":
            yield shown(token)


def claims(markdown: str) -> list[Claim]:
    """Return every line of arithmetic of a document, with a plain minus."""
    found = []
    for header, rows in tables(markdown):
        ends = [i for i, name in enumerate(header) if name == "arithmetic" or "·" in name]
        ends += [i for i, name in enumerate(header) if name == "+ bias"]
        if not ends or header[0] not in ("unit", "element", "dimension"):
            continue
        for row in rows:
            cells = tuple(plain(row[i]) for i in ends)
            label = f"{header[max(ends) + 1]}[{row[0]}]"
            remark = row[-1] if header[-1] == "" else ""
            found.append(Claim(label, cells, plain(row[max(ends) + 1]), remark))
    for text in paragraphs(markdown):
        for line in text.splitlines():
            match = re.fullmatch(r"(?:For example, )?(\S+) = (.*) = ([^\s,]+)(.*)", plain(line))
            if match:
                found.append(Claim(match[1], (match[2],), match[3], match[4].strip(" ,")))
    return found


def plain(text: str) -> str:
    return text.replace("−", "-")
