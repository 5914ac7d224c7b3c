"""A tensor that a document prints in parts, put together again: `fc1.weight[:, 0:9]`, `[:, 9:18]`.

Each part is a matrix under a paragraph with the tensor's name and the ranges of its rows and
columns, as this package writes one that is too wide for a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ....quick_classes import NamedTuple
from ..grammar.syntax import Row, Tree
from ..passage import Fragment, plain
from .statement import DocumentStatement, Found, Remnant
from .values import numbers_of

RANGE = r"(?:\d+:\d+|:)"
PART = re.compile(rf"(?P<name>[^\[\]]+)\[(?:(?P<rows>{RANGE}), )?(?P<columns>{RANGE})\]")


class MatrixPart(NamedTuple):
    """A statement of some rows and columns of a tensor; of a row alone `top` is 0."""

    statement: DocumentStatement
    name: str
    top: int
    left: int
    rows: tuple[tuple[Tree, ...], ...]


def joined(statements: Iterable[Found]) -> Iterator[Found]:
    """Yield what is stated, the parts of a tensor as one statement of all of it.

    Parts that leave a gap, or lie over each other, stay as they are.
    """
    for name, entries in groupby(statements, key=_name):
        members = list(entries)
        parts = [_part(entry) for entry in members] if name else []
        whole = _whole([part for part in parts if part is not None])
        yield from [whole] if whole is not None and None not in parts else members


def _name(entry: Found) -> str:
    heading = _heading(entry)
    return heading["name"] if heading is not None else ""


def _heading(entry: Found) -> re.Match[str] | None:
    """Return what stands over a matrix that has no label, if it names a part of a tensor.

    It may stand on a line of its own, under the tensor's shape.
    """
    if isinstance(entry, Remnant) or entry.label or not entry.context:
        return None
    lines = plain(entry.context[0]).strip().splitlines()
    return PART.fullmatch(lines[-1]) if lines else None


def _part(entry: Found) -> MatrixPart | None:
    heading = _heading(entry)
    if heading is None or isinstance(entry, Remnant) or len(entry.sides) != 1:
        return None
    (value,) = entry.sides
    rows = value.entries if isinstance(value, Row) else (value,)
    if not any(isinstance(row, Row) for row in rows):
        rows = (Row(rows),)
    whole = tuple(tuple(numbers_of(row)) for row in rows)
    top, left = _start(heading["rows"]), _start(heading["columns"])
    return MatrixPart(entry, heading["name"], top, left, whole)


def _start(written: str | None) -> int:
    return int(written.partition(":")[0] or "0") if written else 0


def _whole(parts: Sequence[MatrixPart]) -> DocumentStatement | None:
    """Return the statement of the whole tensor; None where the parts do not make one."""
    if len(parts) < 2:
        return None
    rows: list[list[Tree]] = []
    for part in parts:
        if part.left == 0:
            if part.top != len(rows):
                return None
            rows += [[] for _ in part.rows]
        beside = rows[part.top :]
        if len(beside) != len(part.rows) or any(len(row) != part.left for row in beside):
            return None
        for row, more in zip(beside, part.rows, strict=True):
            row.extend(more)
    if len({len(row) for row in rows}) != 1:
        return None
    first = parts[0].statement
    value = Row(tuple(Row(tuple(row)) for row in rows))
    context = ((Fragment("text", parts[0].name, first.line),), *first.context[1:])
    return first._replace(sides=(value,), context=context)
