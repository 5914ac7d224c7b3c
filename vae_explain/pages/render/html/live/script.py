"""The live page's script and style, without what in them is for those who read their files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

from ..document import beside

# The script's modules, each behind those that it needs.
MODULES = (
    "decimals", "functions", "simplify", "expression", "run", "boxes", "text", "guard_digits",
    "numbers", "inline", "mathml", "marks", "shares", "blocks", "says", "summaries", "regions",
    "morph", "state", "learning", "fields", "derivations", "diagram", "curves", "panel",
    "surroundings", "page",
)  # fmt: skip
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.mjs";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (const|class|function\*?) (\w+)", re.MULTILINE)
# Comments and indents, which are for those who read the modules.
_ASIDE = re.compile(r"^\s*(?://|/\*\*|\*/|\*(?: |$)).*\n|^[ ]+|^\n", re.MULTILINE)
_QUOTED = re.compile(r"[\"'`/]|\+ \+|- -")
_AROUND_SIGNS = re.compile(r"(?<![\w$]) | (?![\w$])")
# What a style sheet has for those who read it.
_LOOSE = re.compile(r"/\*.*?\*/|(?<=[{};:,])\s+|\s+(?=[{}])|;\s*(?=})", re.DOTALL)


def style() -> str:
    """Return the style sheet of a document, and that of what can be changed."""
    own = files(__package__).joinpath("style.css").read_text("utf-8")
    return _LOOSE.sub("", beside("style.css") + own)


def script() -> str:
    """Join the modules into one script, each a function that returns what it exports."""
    joined = "".join(map(_module, MODULES))
    return f'(() => {{\n"use strict";\n{joined}}})();\n'


def _module(name: str) -> str:
    text = files(__package__).joinpath(f"{name}.mjs").read_text("utf-8")
    exported = ", ".join(match[2] for match in _EXPORT.finditer(text))
    text = _ASIDE.sub("", text)
    body = _EXPORT.sub(r"\1 \2", _IMPORT.sub(r"const \1 = \2$;\n", text))
    body = "".join(_close(body))
    return f"const {name}$ = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _close(text: str) -> Iterator[str]:
    """Leave out the spaces around the signs of plain lines, in which there is no text."""
    is_within = False  # a template that goes over several lines
    for line in text.splitlines(keepends=True):
        plain = not is_within and not _QUOTED.search(line)
        yield _AROUND_SIGNS.sub("", line) if plain else line
        is_within ^= line.count("`") % 2 == 1
