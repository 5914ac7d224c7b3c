"""Reading an HTML document back: its elements, its lines of arithmetic, its data.

As in `pages.py`, what stands here knows how a document looks and not how it was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from .pages import FUNCTIONS, SIGNS, Claim

VOID = {"br", "meta", "input", "img", "link", "hr", "wbr"}
# A power of ten that is part of a number: `6.1·10` and, raised, `−7`.
EXPONENT = re.compile(r"(?<=[\d.])·10\*\*\(?(-?\d+)\)?")


@dataclass
class Element:
    """An element with its attributes and what is in it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """Yield this element and all that are in it, in order."""
        yield self
        for part in self.inside:
            if isinstance(part, Element):
                yield from part.walk()

    def all(self, *tags: str) -> list[Element]:
        return [element for element in self.walk() if element.tag in tags]

    def of_class(self, name: str, tag: str = "") -> list[Element]:
        return [e for e in self.walk() if name in e.classes and tag in ("", e.tag)]

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.inside)

    @property
    def written(self) -> str:
        """Its text in one line that can be computed: superscripts raised, a plain minus."""
        parts = [part if isinstance(part, str) else part.written for part in self.inside]
        text = "".join(parts).replace("−", "-").replace("\xa0", " ")
        if self.tag == "sup":
            text = f"**{text}" if text.isdigit() else f"**({text})"
        return EXPONENT.sub(r"e\1", text)


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"an attribute twice in <{tag}>: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def parsed(html: str) -> Element:
    """Parse a document; one whose tags do not close what they opened fails."""
    builder = _Builder()
    builder.feed(html)
    builder.close()
    assert builder.open == [builder.root], f"never closed: {[e.tag for e in builder.open[1:]]}"
    return builder.root


def by_id(document: Element) -> dict[str, Element]:
    """Return the elements that have an id; one that is given twice fails."""
    found: dict[str, Element] = {}
    for element in document.walk():
        name = element.attributes.get("id")
        if name is not None:
            assert name not in found, f"id {name} given twice"
            found[name] = element
    return found


LINES = "h1", "h2", "h3", "p", "li", "caption", "tr", "figcaption", "math"


def outline(document: Element) -> list[str]:
    """Return what a reader reads, a line for each element that stands in one of its own."""
    found: list[str] = []

    def walk(element: Element) -> None:
        if element.tag in ("head", "script", "svg"):
            return
        inner = [part for part in element.inside if isinstance(part, Element)]
        whole = element.tag in LINES and not element.all(*LINES[:-1])[1:]
        if whole and element.tag == "tr":
            cells = [re.sub(r"\s+", " ", cell.text) for cell in inner]
            found.append(" | ".join(cells).rstrip())
        elif whole:
            found.append(f"{element.tag}  " + re.sub(r"\s+", " ", element.text).strip())
        else:
            for part in inner:
                if element.tag == "li" and part.tag == "a":  # of the contents, with more below
                    found.append(f"li  {part.text}")
                walk(part)

    walk(document)
    return found


# --- arithmetic -------------------------------------------------------------------------


def claims(document: Element) -> list[Claim]:
    """Return every worked line of a document: those in sentences, and those in rows."""
    found = []
    for place in document.of_class("worked"):
        for line in place.all("li") if place.tag == "ol" else [place]:
            label, _, rest = line.written.removeprefix("for example ").partition(" = ")
            expression, equals, value = rest.rpartition(" = ")
            summands = (expression,) if equals else ()
            found.append(Claim(label, summands, _number(value), _remark(value)))
    for table in document.of_class("rows", "table"):
        for row in table.all("tbody")[0].all("tr"):
            head, *cells = row.all("th", "td")
            made = [cell for cell in cells if "made" in cell.classes]
            parts = tuple(cell.written for cell in cells if not cell.classes)
            value = made[0].written.removeprefix("= ")
            found.append(Claim(f"[{head.text}]", parts, _number(value), _remark(value)))
    return found


def _remark(text: str) -> str:
    return text.partition(" ")[2].strip()


def _number(text: str) -> str:
    found = re.match(r"-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.])", text)
    assert found, f"no number starts {text!r}"
    return found[0]


def computed(text: str) -> float:
    """Compute a line of arithmetic as it is written, with the gates of ReLUs."""
    code = re.sub(r"\[([^\]]*)>([^\]]*)\]", r"(\1>\2)", text)
    for sign, operator in SIGNS.items():
        code = code.replace(sign, operator)
    return float(eval(code, {"__builtins__": {}, **FUNCTIONS}))


# --- matrices and data ------------------------------------------------------------------


def matrices(document: Element) -> dict[str, list[list[float]]]:
    """Return the numbers of each matrix by its name, row by row."""
    found: dict[str, list[list[float]]] = {}
    for place in document.of_class("matrix"):
        name = place.all("caption")[0].all("a")[0].text
        rows = [
            [float(cell.written) for cell in row.all("td") if cell.text]
            for body in place.all("tbody")
            for row in body.all("tr")
        ]
        found[name] = rows
    return found


def data_of(document: Element) -> dict[str, Any]:
    """Return what the page's script makes of its data.

    A number is its anchor, symbol, digits, role, reason and name; a line the texts and numbers
    of its symbols, of its digits, and the numbers that chose those in it.
    """
    (element,) = [e for e in document.all("script") if e.attributes.get("id") == "page:data"]
    loaded = json.loads(element.text)
    numbers = []
    for value, index, digits, *more in loaded["numbers"]:
        name, anchor, before, after, role = loaded["values"][value]
        reason, again = [*more, "", ""][:2]
        if index:
            anchor += "-" + index.replace(",", "-")
            before += "<mo>,</mo>".join(f"<mn>{at}</mn>" for at in index.split(","))
            name += f"[{index}]"
        numbers.append([anchor + again, before + after, digits, role, reason, name])

    def spelled(parts: list[Any]) -> list[Any]:
        return [part if at % 2 else loaded["texts"][part] for at, part in enumerate(parts)]

    lines = {
        position: [[spelled(parts) for parts in symbols], spelled(digits), *chosen]
        for position, (symbols, digits, *chosen) in loaded["lines"].items()
    }
    return {"numbers": numbers, "lines": lines, "results": loaded["results"]}


def filled(data: dict[str, Any], position: str) -> str:
    """Return a derivation's numbers as a line, its gaps filled as the script fills them."""
    text = ""
    for part in data["lines"][position][1]:
        if isinstance(part, str):
            text += part
            continue
        digits = part[1] if isinstance(part, list) else data["numbers"][part][2]
        text += digits.removeprefix("−")
    return parsed(text).written
