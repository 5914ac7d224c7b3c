"""Reads filled sheets: Markdown, CSV, notebooks, and folders of them. Nothing in them is run.

Markdown and notebooks are read under the headings of their sheets, notebooks also by their
`sheet_7 = {1: 0.25, …}`. A CSV has a line for each answer (`sheet,blank,answer`) or for each
sheet (`sheet,1,2,3,…`), both with a column `student` if it is of a class.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import UserError, reason_of
from ...quick_classes import NamedTuple
from .key import AnswerKey

MARKDOWN, TABLES, NOTEBOOKS = (".md", ".markdown"), (".csv",), (".ipynb",)
ENDINGS = (*MARKDOWN, *TABLES, *NOTEBOOKS)
LARGEST = 16 * 2**20
MOST_FILES = 10_000
HEADING = re.compile(r"#+\s+(\d+)\s+Exercise sheet\b")
CODE = re.compile(r"\bcode ([0-9a-f]{6})\b")
DOTS = re.compile(r"\.{3,}")  # what is left of the line to write on
VARIABLE = re.compile(r"sheet_(\d+)")
_CELLS = re.compile(r"(?<!\\)\|")
OPERATIONS: dict[type, Any] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


class BadAnswers(UserError):
    """A file that holds no answers that can be marked."""

    option = "ANSWERS"


class Filled(NamedTuple):
    """The answers to one sheet, by the numbers of its blanks, and whose they are."""

    student: str
    sheet: str
    answers: dict[str, str]


def read_answers(path: Path, key: AnswerKey) -> list[Filled]:
    """Read the filled sheets of a file, or of the files of a folder.

    Raises
    ------
    BadAnswers
        If there are none, or one is of another key.
    """
    if not path.is_dir():
        return _read_file(path, path.stem, key)
    files = sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS)
    if not files:
        raise BadAnswers(f"no file in it ends with {', '.join(ENDINGS)}", value=path)
    if len(files) > MOST_FILES:
        raise BadAnswers(f"it has {len(files):,} files; mark a part at a time", value=path)
    return [
        filled
        for file in files
        for filled in _read_file(file, file.relative_to(path).with_suffix("").as_posix(), key)
    ]


def _read_file(path: Path, student: str, key: AnswerKey) -> list[Filled]:
    try:
        if path.stat().st_size > LARGEST:
            raise BadAnswers(f"it is larger than {LARGEST // 2**20} MiB", value=path)
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise BadAnswers(f"it cannot be read: {reason_of(error)}", value=path) from None
    except UnicodeDecodeError:
        raise BadAnswers("it is not UTF-8; save it as UTF-8", value=path) from None
    suffix = path.suffix.lower()
    if suffix in MARKDOWN:
        filled = list(_of_markdown(text, student, key, path))
    elif suffix in TABLES:
        filled = list(_of_csv(text, student, key, path))
    elif suffix in NOTEBOOKS:
        filled = list(_of_notebook(text, student, key, path))
    else:
        raise BadAnswers(f"name a file that ends with {', '.join(ENDINGS)}", value=path)
    if not filled:
        raise BadAnswers(
            "it has no table of answers, with the columns blank and answer", value=path
        )
    return filled


def _known(sheet: str, key: AnswerKey, path: Path) -> str:
    sheet = sheet.strip().removesuffix(".0")
    if sheet not in key.sheets:
        has = f"the key has {next(iter(key.sheets))} to {list(key.sheets)[-1]}"
        words = f"there is no sheet {sheet}" if sheet else "it does not say which sheet it is"
        raise BadAnswers(f"{words}; {has}", value=path)
    return sheet


def _of_markdown(text: str, student: str, key: AnswerKey, path: Path) -> Iterator[Filled]:
    sheet = next(iter(key.sheets)) if len(key.sheets) == 1 else ""
    answers: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        if heading := HEADING.match(line):
            if answers:
                yield Filled(student, _known(sheet, key, path), answers)
            sheet, answers = _known(heading[1], key, path), {}
        elif (code := CODE.search(line)) and sheet and code[1] != key.sheets[sheet].code:
            raise BadAnswers(f"sheet {sheet} belongs to another key; name that one", value=path)
        cells = [cell.strip() for cell in _CELLS.split(line.strip().strip("|"))]
        if not line.lstrip().startswith("|") or len(cells) < 2:
            inside = False
        elif cells[0].lower() == "blank" and cells[-1].lower() == "answer":
            inside = True
        elif inside and cells[0].isdecimal():
            answers[cells[0]] = DOTS.sub("", cells[-1]).strip("\\ _")
    if answers:
        yield Filled(student, _known(sheet, key, path), answers)


def _of_csv(text: str, student: str, key: AnswerKey, path: Path) -> Iterator[Filled]:
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else "\t" if "\t" in first else ","
    rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    names = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name}
    only = next(iter(key.sheets)) if len(key.sheets) == 1 else ""

    def cell(row: dict[str, Any], name: str, default: str) -> str:
        return str(row.get(names.get(name, ""), default) or default)

    if "answer" in names and "blank" in names:
        together: dict[tuple[str, str], dict[str, str]] = {}
        for row in rows:
            whose = cell(row, "student", student), _known(cell(row, "sheet", only), key, path)
            together.setdefault(whose, {})[cell(row, "blank", "").strip()] = cell(row, "answer", "")
        yield from (Filled(*whose, answers) for whose, answers in together.items())
    elif any(name.isdecimal() for name in names):
        for row in rows:
            answers = {name: cell(row, name, "") for name in names if name.isdecimal()}
            sheet = _known(cell(row, "sheet", only), key, path)
            yield Filled(cell(row, "student", student), sheet, answers)


def _of_notebook(text: str, student: str, key: AnswerKey, path: Path) -> Iterator[Filled]:
    try:
        cells = json.loads(text)["cells"]
        sources = [(str(c["cell_type"]), _joined(c["source"])) for c in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadAnswers("it is not a Jupyter notebook", value=path) from None
    words = "\n\n".join(source for kind, source in sources if kind == "markdown")
    list(_of_markdown(words, student, key, path))  # for its codes
    for kind, source in sources:
        if kind == "code":
            for sheet, answers in _dictionaries(source):
                yield Filled(student, _known(sheet, key, path), answers)


def _joined(source: str | Sequence[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _dictionaries(source: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the answers that code assigns, which is read and not run."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(keys=keys, values=values)):
                if variable := VARIABLE.fullmatch(name):
                    pairs = zip(keys, values, strict=True)
                    yield (
                        variable[1],
                        {
                            str(number.value): _number_text(value)
                            for number, value in pairs
                            if isinstance(number, ast.Constant)
                        },
                    )


def _number_text(node: ast.expr) -> str:
    """Return what stands in the place of an answer: a number as typed, or worked out of some."""
    if isinstance(node, ast.Constant):
        return "" if node.value is None else str(node.value)
    value = _worked_out(node)
    return ast.unparse(node) if value is None else repr(value)


def _worked_out(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=body):
            inner = _worked_out(body)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            a, b = _worked_out(left), _worked_out(right)
            if a is None or b is None or (isinstance(op, ast.Div) and not b):
                return None
            return float(OPERATIONS[type(op)](a, b))
        case _:
            return None
