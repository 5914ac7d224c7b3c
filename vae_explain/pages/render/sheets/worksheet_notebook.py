"""Exercise sheets as a Jupyter notebook: the Markdown, and a cell for the answers of each."""

from __future__ import annotations

from ...blocks import SheetQuestions, Walkthrough
from ..markdown import Markdown
from ..notebooks.notebook import code_cell, document, text_cell

HOW = "Put each answer in the place of its None; arithmetic such as 0.5*2 + 1 may stand there too."


def write(walkthrough: Walkthrough) -> str:
    """Return the sheets as a notebook."""
    markdown = Markdown(fenced=False)
    cells = []
    paragraphs = markdown.title(walkthrough)
    for block in walkthrough.blocks:
        if not isinstance(block, SheetQuestions):
            paragraphs += markdown.block(block)
            continue
        cells += [text_cell("\n\n".join([*paragraphs, HOW])), code_cell(_answers(block))]
        paragraphs = []
    return document(cells)


def _answers(block: SheetQuestions) -> str:
    lines = [f"    {number}: None,  # {name}" for number, name in block.names.items()]
    return "\n".join([f"sheet_{block.sheet} = {{", *lines, "}"])
