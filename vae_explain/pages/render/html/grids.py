"""Matrices and tables of a document, as tables with headers that can be read aloud."""

from __future__ import annotations

import numpy as np

from ....symbolic.expression import Index
from ....symbolic.text import index_text
from ....trace import Array, rows_of
from ...blocks import Column, Matrix, Summary, Table
from ..slices import matrices
from .arithmetic import named
from .escaping import breakable, escape
from .keys import Key
from .links import Links

MOST_COLUMNS = 16  # side by side; further ones stand below
FOLD = 10  # how many numbers of a longer row stand in a line
WIDEST_ON_PAPER = 105  # characters; a wider grid is printed small


class HtmlGrids:
    """Writes grids of numbers; `ranks` says how many indices each value's numbers have."""

    def __init__(self, links: Links, ranks: dict[str, int]) -> None:
        self.links = links
        self.numbers = links.numbers
        self.ranks = ranks
        self.opened = ""  # whose formula stands above

    def matrix(self, block: Matrix) -> str:
        """Write a tensor between brackets, with its name and its shape."""
        array = np.asarray(block.array)
        name = self.name(block)
        if array.ndim == 0:
            text = self.numbers.one(float(array), block.places)
            key = Key.parse(name)
            number = self.links.number(key, float(array), text, block.role, makes=True, accent=True)
            return f'<p class="scalar">{named(block.name)} = {number}</p>'
        here = self.links.tensor(name)
        name_link = (
            f'<a class="name {"accent" if block.accent else block.role}" '
            f'href="{self.links.href(name)}">{escape(block.name)}</a>'
        )
        shape = " × ".join(map(str, array.shape))
        caption = f'<caption>{name_link} <span class="shape">{shape}</span></caption>'
        numbers, longest = self._numbers(block, name, array)
        parts = matrices(block)
        if len(parts) == 1:
            return f'<div class="matrix"{here}>{_tables(numbers, longest, caption)}</div>'
        # What would be the caption of one table is the title of several.
        title = f'<p class="title">{name_link} <span class="shape">{shape}</span></p>'
        shown = ""
        for index, rows in parts:
            label = f"<caption>{named(block.name + index_text(index))}</caption>"
            shown += f"<div>{_tables(numbers[rows.start : rows.stop], longest, label)}</div>"
        return f'<div class="matrix"{here}>{title}<div class="several">{shown}</div></div>'

    def _numbers(self, block: Matrix, name: str, array: Array) -> tuple[list[list[str]], int]:
        """Return the numbers as they are written, row by row, and the length of the longest."""
        flat = rows_of(array)
        texts = self.numbers.entries(block)
        written = iter(texts)
        rows = [
            [
                self.links.number(
                    Key(name, self._index(name, block, array, i, j)),
                    float(value),
                    next(written),
                    block.role,
                    makes=True,
                    accent=block.accent,
                )
                for j, value in enumerate(row)
            ]
            for i, row in enumerate(flat)
        ]
        return rows, max(map(len, texts), default=0)

    def name(self, block: Matrix | Summary) -> str:
        """Return whose numbers these are: `fc1.weight.grad` are those of the formula above."""
        below = block.name.removesuffix(".grad")
        if block.role == "gradient" and self.opened.endswith(f"/∂{below}"):
            return self.opened
        return block.name

    def _index(self, name: str, block: Matrix, array: Array, row: int, column: int) -> Index:
        """Return a number's index as the lines have it, which drop a batch of one row."""
        flat = row * array.shape[-1] + column if array.ndim > 1 else column
        index = tuple(int(i) for i in np.unravel_index(flat, array.shape))
        usual = array.ndim - (block.role != "parameter" and array.ndim > 1 and array.shape[0] == 1)
        return index[len(index) - self.ranks.get(name, usual) :]

    def table(self, block: Table) -> str:
        """Write rows of numbers and words under their headers."""
        columns = [self._cells(block, j) for j in range(len(block.columns))]
        self._remember_parts(block)
        heads = "".join(map(_head, block.columns))
        reasons = any(block.reasons)
        written = ""
        for i in range(len(block.rows)):
            dimmed = bool(block.dimmed) and block.dimmed[i]
            cells = "".join(cells[i] for cells in columns)
            if reasons:
                cells += f'<td class="reason">{escape(block.reasons[i])}</td>'
            written += f"<tr{' class=dim' if dimmed else ''}>{cells}</tr>"
        extra = '<td class="reason"></td>' if reasons else ""
        return (
            f'<div class="scroll"><table><thead><tr>{heads}{extra}</tr></thead>'
            f"<tbody>{written}</tbody></table></div>"
        )

    def _cells(self, block: Table, j: int) -> list[str]:
        column = block.columns[j]
        texts = self.numbers.cells(block, j)
        cells = []
        for i, text in enumerate(texts):
            value = block.rows[i][j]
            first = j == 0 and isinstance(value, str)
            tag, scope = ("th", ' scope="row"') if first else ("td", "")
            words = ' class="words"' if column.left else ""
            if isinstance(value, str):
                cells.append(f"<{tag}{scope}{words}>{breakable(value)}</{tag}>")
            elif isinstance(value, int):
                cells.append(f"<td{words}>{text}</td>")
            else:
                key = self._key(block, i, j)
                number = self.links.number(
                    key, value, text, column.role, makes=column.accent, accent=column.accent
                )
                number = f"<strong>{number}</strong>" if block.is_marked(i, j) else number
                cells.append(f"<td{words}>{number}</td>")
        return cells

    def _remember_parts(self, block: Table) -> None:
        """Keep what each number of a table is the sum of, for its derivation."""
        if block.adds is None or block.adds.less:
            return
        parts = [(j, self.numbers.cells(block, j)) for j in block.adds.parts]
        result = block.adds.result
        for i, row in enumerate(block.rows):
            key, value = self._key(block, i, result), row[result]
            if key is None or isinstance(value, str):
                continue
            entry = self.links.entry(key, value, block.columns[result].role)
            heads = [(texts[i], block.columns[j].header) for j, texts in parts if row[j]]
            entry.parts = tuple(heads)

    def _key(self, block: Table, i: int, j: int) -> Key | None:
        """Return which of the run's numbers a cell is, when its header or its line tells."""
        label, column = block.rows[i][0], block.columns[j]
        if block.columns[0].role != "label" or not isinstance(label, str):
            return None
        if column.accent and block.worked:
            key = Key.labelled(self.opened, block.worked[i].label)
            self.links.derive(key, block.worked[i], "gradient")
            if block.reasons and block.dimmed and block.dimmed[i]:
                self.links.entry(key, block.worked[i].shown, "gradient").reason = block.reasons[i]
            return key
        key = Key.parse(f"{column.header}[{label}]")
        known = key.name == column.header and self.ranks.get(key.name) == len(key.index)
        return key if known else None


def _head(column: Column) -> str:
    words = ' class="words"' if column.left else ""
    if not column.header:
        return f"<td{words}></td>"
    return f'<th scope="col"{words}>{named(column.header)}</th>'


def _tables(numbers: list[list[str]], longest: int, caption: str) -> str:
    """Write a matrix, in several tables where it is too wide for one."""
    width = len(numbers[0]) if numbers else 0
    if len(numbers) == 1 and width > MOST_COLUMNS:
        grids = [_folded(numbers[0], longest, caption)]
    else:
        starts = range(0, width, MOST_COLUMNS)
        grids = [_grid(numbers, longest, start, "" if start else caption) for start in starts]
    return "".join(f'<div class="scroll">{grid}</div>' for grid in grids)


def _grid(numbers: list[list[str]], longest: int, start: int, caption: str) -> str:
    """Write some columns of a matrix under their indices."""
    single = len(numbers) == 1
    columns = range(start, min(start + MOST_COLUMNS, len(numbers[0])))
    heads = "".join(f'<th scope="col">{j}</th>' for j in columns)
    rows = ""
    for i, row in enumerate(numbers):
        label = "" if single else f'<th scope="row">{i}</th>'
        rows += f"<tr>{label}{''.join(f'<td>{row[j]}</td>' for j in columns)}</tr>"
    corner = "" if single else "<td></td>"
    return (
        f"<table{_style(len(columns), longest)}>{caption}<thead><tr>{corner}{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _style(columns: int, longest: int) -> str:
    return ' class="wide"' if columns * (longest + 3) > WIDEST_ON_PAPER else ""


def _folded(numbers: list[str], longest: int, caption: str) -> str:
    """Write a long row in several lines, each with the index of its first number."""
    heads = "".join(f'<th scope="col">+{j}</th>' for j in range(FOLD))
    rows = ""
    for start in range(0, len(numbers), FOLD):
        cells = [f"<td>{number}</td>" for number in numbers[start : start + FOLD]]
        cells += ["<td></td>"] * (FOLD - len(cells))
        rows += f'<tr><th scope="row">{start}</th>{"".join(cells)}</tr>'
    style = _style(FOLD, longest)
    head = f"<thead><tr><td></td>{heads}</tr></thead>"
    return f"<table{style}>{caption}{head}<tbody>{rows}</tbody></table>"
