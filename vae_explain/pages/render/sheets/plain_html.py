"""A page as the plainest HTML, for learning platforms, which keep no style of ours.

Tables and paragraphs alone. Formulas are plain text, over the names that stand in the tables:
braces, of which LaTeX has many, mean something else to a cloze question.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ....symbolic.printable import printable
from ....symbolic.text import elided, to_text
from ...blocks import Block, Formula, Heading, Matrix, Note, Prose, SheetQuestions, Table
from ..typeset import Typesetter

CELL = ' style="padding:2px 8px;text-align:right"'


def fragment(blocks: Iterable[Block]) -> str:
    """Return the blocks that stand above the blanks of a sheet."""
    return "\n".join(map(_block, blocks))


def shown(words: str) -> str:
    """Return words as HTML that shows exactly them, and no braces that a cloze would read."""
    return escape(printable(words)).replace("{", "&#123;").replace("}", "&#125;")


def _block(block: Block) -> str:
    match block:
        case Heading(title=title):
            return f"<h4>{shown(title)}</h4>"
        case Prose(words) | Note(words):
            return f"<p>{shown(words)}</p>"
        case Formula(left, expression):
            return f"<p><code>{shown(f'{left} = {to_text(elided(expression))}')}</code></p>"
        case Matrix():
            return _matrix(block)
        case Table():
            typeset = Typesetter()
            header = [column.header for column in block.columns]
            rows = typeset.table(block, lambda cell, _: cell, lambda cell: cell)
            return _table([header, *rows])
        case SheetQuestions():
            return ""
        case _:
            raise TypeError(f"no sheet has a {type(block).__name__}")


def _matrix(block: Matrix) -> str:
    name = f"<p><b>{shown(block.name)}</b> {list(block.array.shape)}</p>"
    grids = (grid for shelf in Typesetter().shelves(block) for grid in shelf)
    return name + "".join(_table(grid.rows) for grid in grids)


def _table(rows: Iterable[Iterable[str]]) -> str:
    written = "".join(
        f"<tr>{''.join(f'<td{CELL}>{shown(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<table border="1" style="border-collapse:collapse"><tbody>{written}</tbody></table>'
