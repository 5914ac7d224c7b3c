"""Matrices that are drawn in plain text: each row on a line of its own, below the one before.

Several may stand beside each other, as in a product::

    [2  0][2  1] = [4  2]
    [1  2][0  2]   [2  5]
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

ROW = re.compile(r"\[[^\[\]\n]*\]")
GAPS = re.compile(r"[\s,;.]*")  # what may stand between the lower rows of matrices
SPACES = re.compile(r"[ \t,]+")


def with_drawn(code: str) -> str:
    """Return text with each matrix that is drawn in it as one list of its rows.

    The number of lines stays, so that what follows keeps its line.

    Examples
    --------
    >>> with_drawn("A = [1 2]  B = [5 6]\\n    [3 4]      [7 8]")
    'A = [[1 2], [3 4]]  B = [[5 6], [7 8]]\\n'
    >>> with_drawn("A = [1 2]\\n    [3 4]")
    'A = [[1 2],\\n[3 4]]'
    """
    if "]" not in code:
        return code
    lines = code.split("\n")
    made: list[str] = []
    for first, count in _drawings(lines):
        made += lines[len(made) : first]
        made += _joined(lines[first : first + count])
    return "\n".join([*made, *lines[len(made) :]])


def _drawings(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the line in which each drawing begins, and how many lines it has."""
    first = 0
    while first < len(lines):
        columns = _columns(lines[first])
        count = 1
        while columns and first + count < len(lines) and _goes_on(lines[first + count], columns):
            count += 1
        if count > 1:
            yield first, count
        first += count


def _columns(line: str) -> set[int]:
    """Return where the rows of a line begin; none where brackets stand in brackets."""
    rows = list(ROW.finditer(line))
    plain = line.count("[") == line.count("]") == len(rows)
    return {row.start() for row in rows} if plain else set()


def _goes_on(line: str, columns: set[int]) -> bool:
    """Whether a line has nothing but further rows of the matrices above it."""
    below = _columns(line)
    return bool(below) and below <= columns and GAPS.fullmatch(ROW.sub("", line)) is not None


def _joined(lines: Sequence[str]) -> list[str]:
    """Return the lines of a drawing with all rows of a matrix in one list."""
    first, *lower = lines
    parts = [{row.start(): row[0] for row in ROW.finditer(line)} for line in lower]
    heads = list(ROW.finditer(first))
    between = ",\n" if len(heads) == 1 else ", "
    text, end = "", 0
    for head in heads:
        rows = [head[0], *(part[head.start()] for part in parts if head.start() in part)]
        whole = len({len(SPACES.split(row[1:-1].strip())) for row in rows}) == 1 < len(rows)
        text += first[end : head.start()] + (f"[{between.join(rows)}]" if whole else head[0])
        end = head.end()
    made = (text + first[end:]).split("\n")
    return made + [""] * (len(lines) - len(made))
