"""How wide a table's columns are, and where their headers and words are broken to fit a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..columns import broken_names, columns, wrap

NARROWEST_HEADER = 12  # columns, in which a name above numbers is not broken further
NARROWEST_WORDS = 16  # columns; for less room the numbers beside them are stacked instead
GAP = 2  # columns between two of a table


class TableColumns:
    """The headers and cells of a table as lines of text.

    Parameters
    ----------
    headers
        One for each column.
    cells
        For each column its cells, from top to bottom.

    Attributes
    ----------
    headers, cells
        The same, each as the lines that it takes.
    widths
        Of each column with its header, in columns of the page.
    """

    def __init__(self, headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        self.headers = [[header] for header in headers]
        self.cells = [[[text] for text in column] for column in cells]
        self.widths = [0] * len(headers)
        self._bodies = [0] * len(headers)
        for j in range(len(headers)):
            self._measure(j)

    def fit(self, room: int, beside: int, words_first: bool, words_last: bool) -> None:
        """Break headers, and words in the first and in the last column, as far as needed.

        Parameters
        ----------
        room
            Of the page, in columns.
        beside
            What stands to the right of the table, in columns.
        words_first, words_last
            Whether the first and the last column hold words, which may take several lines.
        """
        if self.total + beside <= room:
            return
        others = range(1, len(self.widths))
        if words_last and others:
            most = max(room - self.widths[0] - GAP, NARROWEST_WORDS)
            self.cells[-1] = [_broken(text, most) for (text,) in self.cells[-1]]
            self._measure(-1)
        for j, (header,) in enumerate(self.headers):
            self.headers[j] = _broken(header, self._bodies[j])
            self._measure(j)
        if self.total > room:
            for j in others:  # names as well, at their joints
                self._break_header(j, max(self._bodies[j], NARROWEST_HEADER))
        for j in others:
            most = max(room - self.widths[0] - GAP, self._bodies[j])
            if self.widths[j] > most:
                self._break_header(j, most)
        if words_first:
            self._break_first(room)

    @property
    def total(self) -> int:
        """Of all columns side by side."""
        return self.over(range(len(self.widths)))

    def over(self, group: Sequence[int]) -> int:
        """Return how wide some columns are side by side."""
        return sum(self.widths[j] + GAP for j in group) - GAP

    def side_by_side(self, room: int) -> list[list[int]]:
        """Return the columns in groups that fit, the first column in each."""
        groups: list[list[int]] = [[0]]
        for j in range(1, len(self.widths)):
            if len(groups[-1]) > 1 and self.over([*groups[-1], j]) > room:
                groups.append([0])
            groups[-1].append(j)
        return groups

    def heads(self, group: Sequence[int]) -> Iterator[list[str]]:
        """Yield each line of the headers of a group, which end at the same line."""
        height = max(len(self.headers[j]) for j in group)
        lines = [[""] * (height - len(self.headers[j])) + self.headers[j] for j in group]
        yield from map(list, zip(*lines, strict=True))

    def row(self, group: Sequence[int], i: int) -> Iterator[dict[int, str]]:
        """Yield each line of a row: the text of each column up to the last that has one."""
        for k in range(max(len(self.cells[j][i]) for j in group)):
            texts = {j: self.cells[j][i][k] if k < len(self.cells[j][i]) else "" for j in group}
            filled = [at for at, text in enumerate(texts.values()) if text or not k]
            yield dict(list(texts.items())[: filled[-1] + 1])

    def _break_header(self, j: int, most: int) -> None:
        self.headers[j] = [part for line in self.headers[j] for part in broken_names(line, most)]
        self._measure(j)

    def _break_first(self, room: int) -> None:
        most = room - sum(width + GAP for width in self.widths[1:])
        if most < NARROWEST_WORDS:
            most = room - GAP - max(self.widths[1:], default=0)
        if self.widths[0] > most:
            self.cells[0] = [
                [part for line in _broken(text, most) for part in broken_names(line, most)]
                for (text,) in self.cells[0]
            ]
            self._measure(0)

    def _measure(self, j: int) -> None:
        self._bodies[j] = max(map(_widest, self.cells[j]), default=0)
        self.widths[j] = max(_widest(self.headers[j]), self._bodies[j])


def _widest(texts: Sequence[str]) -> int:
    return max(map(columns, texts), default=0)


def _broken(text: str, width: int) -> list[str]:
    """Break a text between words; a longer word stays whole."""
    return wrap(text, width, break_long_words=False) or [""]
