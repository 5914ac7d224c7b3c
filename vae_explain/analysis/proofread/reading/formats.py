"""Which format a document has, and its passages."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal

from ....quick_classes import NamedTuple
from ..passage import Passage
from . import formulas_in_text, html, latex_document, markdown, notebook

Format = Literal["markdown", "notebook", "html", "latex", "text"]
ENDINGS: dict[str, Format] = {
    ".md": "markdown", ".markdown": "markdown", ".qmd": "markdown", ".rmd": "markdown",
    ".ipynb": "notebook", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".tex": "latex", ".txt": "text",
}  # fmt: skip
IMAGE = re.compile(r"!\[[^\]\n]*\]\(|<img\b|\\includegraphics|\"image/(?:png|jpeg)\"")


class Document(NamedTuple):
    """A document as passages.

    Attributes
    ----------
    images
        How many images it has, whose numbers cannot be read.
    """

    passages: list[Passage]
    format: Format
    images: int


def document(text: str, name: str = "") -> Document:
    """Read a document, in the format that its name or its beginning says.

    Raises
    ------
    notebook.NotANotebook
        If it should be a notebook, and is none.
    """
    kind = ENDINGS.get(PurePath(name).suffix.lower()) or _sniffed(text)
    if kind == "markdown" and len(text) > markdown.LARGE:
        kind = "text"
    match kind:
        case "notebook":
            passages = notebook.passages(text)
        case "html":
            passages = html.passages(text)
        case "latex":
            passages = latex_document.passages(text)
        case "text":
            passages = list(formulas_in_text.paragraphs(text))
        case "markdown":
            passages = markdown.passages(text)
    return Document(passages, kind, len(IMAGE.findall(text)))


def _sniffed(text: str) -> Format:
    head = text[:2000].lstrip().lower()
    if head.startswith("{") and '"cells"' in text[:100_000]:
        return "notebook"
    if head.startswith(("<!doctype html", "<html")):
        return "html"
    return "latex" if "\\documentclass" in head else "markdown"
