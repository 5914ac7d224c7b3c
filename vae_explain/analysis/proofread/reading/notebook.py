"""A Jupyter notebook as passages: its text, its code, and what the code printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..passage import Fragment, Passage
from . import html, markdown
from .formulas_in_text import paragraphs


class NotANotebook(ValueError):
    """JSON that is no notebook."""


def passages(text: str) -> list[Passage]:
    """Return the passages of a notebook's cells, with the lines of the file.

    Raises
    ------
    NotANotebook
        If the text is not a notebook's JSON.
    """
    try:
        document = json.loads(text)
        cells = document["cells"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotANotebook(str(error)) from None
    if not isinstance(cells, list):
        raise NotANotebook("its cells are no list")
    lines = _Lines(text)
    cells = [cell for cell in cells if isinstance(cell, dict)]
    written = sum(len(_text(cell.get("source"))) for cell in cells if not _is_code(cell))
    read = markdown.passages if written <= markdown.LARGE else paragraphs
    return [passage for cell in cells for passage in _cell(cell, lines, read)]


class _Lines:
    """Finds on which line of the file each line of a cell stands, in order."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.line = text, 0, 1

    def of(self, source: object) -> list[int]:
        """Return the line of the file of each line of a cell."""
        if isinstance(source, str):
            return [self._find(source)] * (source.count("\n") + 1)
        if isinstance(source, list):
            return [self._find(part) for part in source if isinstance(part, str)] or [self.line]
        return [self.line]

    def _find(self, part: str) -> int:
        for written in (json.dumps(part, ensure_ascii=False), json.dumps(part)):
            at = self.text.find(written, self.position)
            if at >= 0:
                self.line += self.text.count("\n", self.position, at)
                self.position = at
                break
        return self.line


def _text(source: object) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _is_code(cell: dict[str, Any]) -> bool:
    return cell.get("cell_type") == "code"


def _cell(
    cell: dict[str, Any], lines: _Lines, read: Callable[[str], Iterable[Passage]]
) -> Iterator[Passage]:
    source = cell.get("source")
    text, places = _text(source), lines.of(source)
    if not _is_code(cell):
        yield from (_moved(passage, places) for passage in read(text))
        return
    if text.strip():
        yield _moved(Passage("code", (Fragment("code", text, 1),), (), (), 1), places)
    outputs = [output for output in cell.get("outputs") or () if isinstance(output, dict)]
    printed, line = "".join(map(_printed, outputs)), places[-1]
    if printed.strip():
        yield Passage("code", (Fragment("code", printed, line),), (), (), line, "output")
    for output in outputs:
        data = output.get("data")
        if isinstance(data, dict) and data.get("text/html"):
            tables = html.passages(_text(data["text/html"]))
            yield from (_moved(passage, [line]) for passage in tables)


def _printed(output: dict[str, Any]) -> str:
    data = output.get("data")
    shown = data.get("text/plain") if isinstance(data, dict) else output.get("text")
    return f"{_text(shown)}\n" if shown else ""


def _moved(passage: Passage, places: list[int]) -> Passage:
    """Return a passage with the lines of the file in place of those of its cell."""

    def at(line: int) -> int:
        return places[min(line, len(places)) - 1]

    def moved(cells: tuple[Fragment, ...]) -> tuple[Fragment, ...]:
        return tuple(piece._replace(line=at(piece.line)) for piece in cells)

    rows = tuple(tuple(moved(cell) for cell in row) for row in passage.rows)
    context = tuple(moved(pieces) for pieces in passage.context)
    return passage._replace(
        pieces=moved(passage.pieces), rows=rows, context=context, line=at(passage.line)
    )
