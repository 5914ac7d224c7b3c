"""Tables in which some columns make another, and counts that a column adds up to, from their text.

What such a table implies is a line of arithmetic like any other, and is read as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from . import documents, html_pages
from .pages import NUMBER, Claim

# A column, and how it is made of the others; each is known by its header.
MADE_BY: Mapping[str, Sequence[str]] = {
    "change": ("{second} - ({first})", "{after} - ({before})"),
    "difference": ("{Monte Carlo} - ({closed form})",),
    "parameters": ("{from} · {to} + {to}",),
}
# A sentence, and the change that it says.
FROM_TO = re.compile(
    rf"(?:rises|falls) from ({NUMBER.pattern}) to ({NUMBER.pattern}), by ({NUMBER.pattern})"
)
# A column of counts, and the sentence that says what they come to.
COUNTED: Mapping[str, str] = {
    "numbers": r"([\d,]+) gradients? of [\d,]+ parameters? held",
    "parameters": r"([\d,]+) parameters? shown",
    "elements": r"of (?:the )?([\d,]+) gradients? (?:is|are|change)",
}
Row = list[str]


def implied(form: str, page: str) -> list[Claim]:
    """Return what the tables and the sentences of a page in a format imply."""
    tables = list(TABLES[form](page))
    found = [
        Claim("".join(row[:2]), (expression,), value)
        for header, rows in tables
        for row in rows
        for expression, value in _made(header, row)
    ]
    # In HTML 2.6e-01 has its exponent above the line.
    flat = re.sub(r"·10<sup>(.*?)</sup>", r"e\1", page).replace("$-$", "-")
    words = " ".join(re.sub(r"<[^>]+>", "", documents.plain(flat)).split())
    for start, end, by in FROM_TO.findall(words):
        found.append(Claim("change", (f"abs({end} - ({start}))",), by))
    for name, sentence in COUNTED.items():
        said = re.search(sentence, words)
        columns = [[row[head.index(name)] for row in rows] for head, rows in tables if name in head]
        if said and columns:
            total = " + ".join(map(_number, columns[0]))
            found.append(Claim(name, (total,), said[1].replace(",", "")))
    return found


def _made(header: Row, row: Row) -> Iterator[tuple[str, str]]:
    cells = {head: _number(cell) for head, cell in zip(header, row, strict=True)}
    for result, ways in MADE_BY.items():
        for way in ways:
            parts = re.findall(r"\{([^}]+)\}", way)
            if all(cells.get(name) for name in (result, *parts)):
                expression = re.sub(r"\{([^}]+)\}", lambda part: cells[part[1]], way)
                yield expression, cells[result]


def _number(cell: str) -> str:
    """Return a cell's number with a plain sign and no commas; empty if it is none."""
    text = documents.plain(cell).strip().strip("*").replace(",", "")
    return text if NUMBER.fullmatch(text) else ""


# --- of each format ---------------------------------------------------------------------

Table = tuple[Row, list[Row]]


def _of_text(page: str) -> Iterator[Table]:
    """Yield the tables that stand side by side; in narrow ones a header stands for its cells."""
    lines = page.splitlines()
    for start, line in enumerate(lines):
        header = ["", *re.split(r"  +", line.strip())]  # a label may have no header
        if not any(made in header for made in (*MADE_BY, *COUNTED)):
            continue
        rows = []
        for below in lines[start + 1 :]:
            if not below.strip():
                break
            cells = re.split(r"  +", below.strip())
            # Of a column without a name or with gaps, the cells are counted from the right.
            rows.append([*[""] * (len(header) - len(cells)), *cells][-len(header) :])
        yield header, rows


def _of_markdown(page: str) -> Iterator[Table]:
    for header, rows in documents.tables(page):
        yield list(header), [list(row) for row in rows]


def _of_latex(page: str) -> Iterator[Table]:
    for table in re.findall(r"\\begin\{tabular\}\{\w*\}\n(.*?)\\end\{tabular\}", page, re.S):
        plain = re.sub(r"\\textbf\{(.*?)\}", r"\1", table.replace("$-$", "-"))
        lines = [line.removesuffix(r" \\") for line in plain.splitlines() if "&" in line]
        header, *rows = ([cell.strip() for cell in line.split(" & ")] for line in lines)
        yield header, [row for row in rows if len(row) == len(header)]


def _of_html(page: str) -> Iterator[Table]:
    for table in html_pages.parsed(page).all("table"):
        rows = [[cell.written for cell in row.all("th", "td")] for row in table.all("tr")]
        if rows:
            yield rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]


def _of_notebook(page: str) -> Iterator[Table]:
    for cell in json.loads(page)["cells"]:
        if cell["cell_type"] == "markdown":
            yield from _of_markdown("".join(cell["source"]))


TABLES: Mapping[str, Callable[[str], Iterator[Table]]] = {
    "text": _of_text,
    "markdown": _of_markdown,
    "latex": _of_latex,
    "html": _of_html,
    "notebook": _of_notebook,
}
