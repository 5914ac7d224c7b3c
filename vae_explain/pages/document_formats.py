"""The formats that a whole document is written in; a new one is a file of `render/` and a line."""

from __future__ import annotations

from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from ..quick_classes import NamedTuple

if TYPE_CHECKING:
    from .blocks import Walkthrough


class DocumentFormat(NamedTuple):
    """A format of documents.

    Attributes
    ----------
    suffixes
        What its files end with.
    module
        The module of `render/` whose `write` gets the walkthrough, the picture and the decimals.
    picture
        Where the picture of the model goes: `inside` as an SVG, `beside` as a file that the
        text names, or into `words`.
    """

    suffixes: tuple[str, ...]
    module: str
    picture: Literal["inside", "beside", "words"]


FORMATS = {
    "markdown": DocumentFormat((".md", ".markdown"), "markdown", "beside"),
    "html": DocumentFormat((".html",), "html.document", "inside"),
    "latex": DocumentFormat((".tex",), "latex.document", "words"),
    "notebook": DocumentFormat((".ipynb",), "notebooks.notebook", "inside"),
}


def mark_of_picture(document: str) -> str:
    """Return the element that the picture beside a document has, by which it is known as ours."""
    words = escape(f"picture of {document!r}, made by vae-explain", quote=False)
    return f"<metadata>{words}</metadata>\n"


def write(
    name: str, walkthrough: Walkthrough, digits: int | None = None, picture_file: str = ""
) -> str:
    """Return a document in a format.

    Parameters
    ----------
    digits
        The decimals of every number; as many as each needs when None.
    picture_file
        The name of the file that has the picture, where one stands beside the text.
    """
    from .walkthrough.draft import once_a_section

    walkthrough = walkthrough._replace(blocks=tuple(once_a_section(walkthrough.blocks)))
    chosen = FORMATS[name]
    picture = picture_file if chosen.picture == "beside" else ""
    if chosen.picture == "inside":
        from .render import diagram

        picture = diagram.picture_of(walkthrough)
    renderer = import_module(f".render.{chosen.module}", __package__)
    text: str = renderer.write(walkthrough, picture, digits)
    return text
