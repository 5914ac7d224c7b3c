"""The document as one HTML file: no network, no framework, every number linked.

A strict content policy in the page itself lets in nothing but the style and the script
that stand in it, named by their hashes. Names from a user's model go through `escape`
wherever they are text, and through `anchor_of` wherever they are part of an address.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from ....symbolic.cases import assert_never
from ... import blocks, pictured
from ..numbers import Numbers
from ..typeset import MARKS
from . import pictures
from .arithmetic import HtmlArithmetic
from .escaping import breakable, escape
from .grids import HtmlGrids
from .keys import ranks
from .links import Links
from .summaries import HtmlSummaries

SMALLEST_SCALE = 0.65  # of the diagram, whose words are 12 pixels high
_STYLE_ELEMENT = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_SHAPE = re.compile(r"\[[\d, ]*\]")


def write(walkthrough: blocks.Walkthrough, picture: str = "", digits: int | None = None) -> str:
    """Return a walkthrough as a whole HTML file.

    Parameters
    ----------
    picture
        The drawn diagram, as an SVG element; the diagram is written in words without it.
    digits
        Decimals for every number; None for the defaults of each kind.
    """
    numbers = Numbers(digits)
    first = HtmlPage(walkthrough, picture, Links(numbers))
    first.body()
    page = HtmlPage(walkthrough, picture, Links(numbers, first.links))
    body = page.body()
    style, script = (beside(name) for name in ("style.css", "script.js"))
    kind = ' class="short"' if walkthrough.command.endswith(" --short") else ""
    return assembled(walkthrough.title, body, page.links.data(), style, script, picture, kind)


def assembled(
    title: str, body: str, data: str, style: str, script: str, picture: str, kind: str = ""
) -> str:
    """Put a page's parts into one file, which lets in no style and no script but these."""
    data = f'<script type="application/json" id="page:data">{data}</script>'
    style += _least_width(picture)
    return (
        f"<!doctype html>\n"
        f'<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(style, script, picture)}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>{style}</style>\n</head>\n<body{kind}>\n{body}\n{data}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def beside(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _least_width(picture: str) -> str:
    """Return the rule that lets a wide diagram scroll where its words would become too small."""
    width = re.search(r'<svg[^>]* width="([\d.]+)"', picture)
    if not width:
        return ""
    least = float(width.group(1)) * SMALLEST_SCALE
    return f"@media screen {{ .diagram svg {{ min-width: {least:.0f}px; }} }}\n"


def _policy(style: str, script: str, picture: str) -> str:
    styles = [style, *_STYLE_ELEMENT.findall(picture)]
    allowed = " ".join(dict.fromkeys(map(_hash, styles)))
    return (
        f"default-src 'none'; style-src {allowed}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class HtmlPage:
    """The body of a document, written from top to bottom."""

    def __init__(self, walkthrough: blocks.Walkthrough, picture: str, links: Links) -> None:
        self.walkthrough = walkthrough
        self.picture = picture
        self.links = links
        self.arithmetic = HtmlArithmetic(links)
        self.grids = HtmlGrids(links, ranks(walkthrough.blocks))
        self.summaries = HtmlSummaries(links)
        self.open: list[blocks.Heading] = []
        self.contents: list[tuple[blocks.Heading, str]] = []

    def body(self) -> str:
        """Return the header, the contents, the sections and the footer."""
        shown = self.walkthrough.blocks
        last = shown[-1] if shown and isinstance(shown[-1], blocks.Note) else None
        main = "\n".join(self.written(shown[:-1] if last else shown))
        main += "</section>" * len(self.open)
        footer = f"<footer>{self._note(last)}</footer>" if last else ""
        hint = HINT if self.walkthrough.contents and self.links.entries else ""
        remarks = "".join(f"<p>{escape(remark)}</p>" for remark in self.walkthrough.remarks)
        return (
            f'<a class="skip" href="#page:main">Skip to the text</a>\n'
            f'<header><p class="command">vae-explain {escape(self.walkthrough.command)}</p>'
            f"<h1>{escape(self.walkthrough.title)}</h1>{remarks}{hint}</header>{self.tools()}\n"
            f"{self._contents()}\n"
            f'<main id="page:main" tabindex="-1">\n{main}\n</main>\n{footer}'
        )

    def tools(self) -> str:
        """Return what stands behind the header; a page that cannot be changed has nothing there."""
        return ""

    def written(self, shown: Sequence[blocks.Block]) -> Iterator[str]:
        """Write blocks one after another."""
        return map(self.block, shown)

    def block(self, block: blocks.Block) -> str:
        """Return one block; a new kind of block is an error until it has a case here."""
        match block:
            case blocks.Heading():
                return self._heading(block)
            case blocks.Prose(text):
                return f"<p>{escape(text)}</p>"
            case blocks.Statement():
                return f"<p>{self.arithmetic.statement(block)}</p>"
            case blocks.Note():
                return self._note(block)
            case blocks.Formula():
                self.grids.opened = block.left
                return self.arithmetic.formula(block)
            case blocks.Lines():
                return self.arithmetic.lines(block)
            case blocks.Matrix():
                return self.grids.matrix(block)
            case blocks.Summary():
                return self.summaries.summary(block, self.grids.name(block))
            case blocks.Table():
                return self.grids.table(block)
            case pictured.Curve():
                return pictures.curve(block)
            case blocks.Tree():
                return self.arithmetic.tree(block)
            case blocks.Shares():
                return self.arithmetic.shares(block)
            case pictured.Diagram():
                return self._diagram(block)
            case blocks.SheetQuestions():
                return self.block(block.table)
            case _:
                assert_never(block)

    def _heading(self, heading: blocks.Heading) -> str:
        closed = 0
        while self.open and self.open[-1].chapter >= heading.chapter:
            self.open.pop()
            closed += 1
        self.open.append(heading)
        level = len(self.open) + 1
        anchor = self._section(heading.title)
        self.contents.append((heading, anchor))
        # A line does not end within a shape.
        words = _SHAPE.sub(lambda shape: shape[0].replace(" ", "&nbsp;"), escape(heading.detail))
        detail = f' <span class="detail">{words}</span>' if words else ""
        return (
            f"{'</section>' * closed}{self.section(heading, anchor)}"
            f'<h{level} id="{anchor}"><a href="#{anchor}"><span class="number">{heading.label}'
            f"</span> {escape(heading.title)}</a>{detail}</h{level}>"
        )

    def section(self, heading: blocks.Heading, anchor: str) -> str:
        """Return the tag that opens a section."""
        return f'<section aria-labelledby="{anchor}">'

    def _section(self, title: str) -> str:
        """Return a section's anchor; the colon keeps it apart from those of values."""
        words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        anchor, count = f"section:{words}", 1
        while not self.links.anchor(anchor):
            count += 1
            anchor = f"section:{words}:{count}"
        return anchor

    def _contents(self) -> str:
        items = ""
        inside = False
        listed = self.contents
        if not self.walkthrough.contents:  # of several sheets, of which a reader takes one
            listed = [(heading, anchor) for heading, anchor in listed if not heading.chapter]
            if len(listed) < 2:
                return ""
        for heading, anchor in listed:
            deeper = heading.chapter > 0
            if deeper != inside:
                items += "<ol><li>" if deeper else "</li></ol></li><li>"
            elif items:
                items += "</li><li>"
            inside = deeper
            items += (
                f'<a href="#{anchor}"><span class="number">{heading.label}</span> '
                f"{breakable(heading.title)}</a>"
            )
        ends = "</li></ol></li>" if inside else "</li>"
        shown = f"<ol><li>{items}{ends}</ol>" if items else ""
        title = '<h2 id="page:contents">Contents</h2>'
        folding = f"<details open><summary>{title}</summary>{shown}</details>"
        return f'<nav aria-labelledby="page:contents">{folding}</nav>'

    def _note(self, note: blocks.Note) -> str:
        return f'<p class="note {note.tone}">{MARKS[note.tone]}{escape(note.text)}</p>'

    def _diagram(self, block: pictured.Diagram) -> str:
        if not self.picture:
            return pictures.stages(block)
        drawn = re.sub(r"^\s*<\?xml[^>]*\?>\s*", "", self.picture)
        caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
        return f'<figure class="diagram"><div class="scroll">{drawn}</div>{caption}</figure>'


HINT = (
    '<p class="hint" hidden>Point at a number, or tab to one and go on with the arrow keys, '
    "to see how it is made; what it was made from lights up, and so does what it went into. "
    "Enter goes to the place where it is made, Space into its derivation, Escape closes it.</p>"
)
