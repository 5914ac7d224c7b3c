"""Reading an input from a file: numbers in rows, or an array of any shape."""

from __future__ import annotations

import csv
import os
from array import array as Packed
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..trace import Array

# Of an input, as float32: what a run makes of it takes several times as much.
MOST_BYTES = 2**30
ROWS_A_REPORT = 500

Report = Callable[[int], None]


class CannotRead(UserError):
    """A file that holds no input; the message says where and why."""

    option = "--x-file"


def read(path: Path, report: Report = lambda done: None) -> Array:
    """Return the numbers of a `.csv` (rows) or `.npy` (any shape) file, as float32.

    Parameters
    ----------
    report
        Called with how many bytes are read, while that takes time.

    Raises
    ------
    CannotRead
        If the file holds something else than finite numbers, rows of several lengths, or
        more than fits into memory, which is estimated first.
    """
    try:
        return _npy(path) if path.suffix.lower() == ".npy" else _csv(path, report)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotRead(f"{path} cannot be read: {reason}") from None


def _npy(path: Path) -> Array:
    try:
        # Mapped, so that the header is judged before anything is loaded.
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        reason = " ".join(str(error).split()).rstrip(".")[:120]
        raise CannotRead(f"{path} is not a plain .npy array: {reason}") from None
    if not isinstance(found, np.ndarray):
        raise CannotRead(f"{path} holds several arrays; give one of them as .npy")
    if not np.issubdtype(found.dtype, np.number) or np.iscomplexobj(found):
        raise CannotRead(f"{path} holds {found.dtype}, not real numbers")
    _require_memory(path, found.size)
    if found.size == 0:
        raise CannotRead(f"{path} holds no numbers: its shape is {list(found.shape)}")
    numbers = _as_float32(found)
    if not np.isfinite(numbers).all():
        at = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
        raise CannotRead(f"{path}: {found[at]} at {list(at)} is not finite in float32")
    return numbers.reshape(1, -1) if numbers.ndim < 2 else numbers


def _csv(path: Path, report: Report) -> Array:
    try:
        _require_memory(path, _estimated(path))
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(path, _counted(file, report))
    except (UnicodeDecodeError, csv.Error) as error:
        raise CannotRead(f"{path} is not a text file of numbers: {error}") from None


def _rows(path: Path, text: Iterable[str]) -> Array:
    """Read rows of one length, each number's line kept so that an error can name it."""
    reader = csv.reader(text)
    numbers = Packed("d")
    lines: list[int] = []
    width = 0
    header: tuple[int, list[str]] | None = None
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = reader.line_num
        if not lines and header is None and not any(map(_is_number, cells)):
            header = line, cells
            continue
        width = width or len(cells)
        if len(cells) != width:
            first = f"line {lines[0]} has {width}" if lines else ""
            raise CannotRead(f"{path}: line {line} has {len(cells)} numbers, but {first}")
        for cell in cells:
            if not _is_number(cell):
                raise CannotRead(f"{path}: {cell.strip()!r} in line {line} is not a number")
            numbers.append(float(cell))
        lines.append(line)
    if not lines and header is not None:
        line, cells = header
        mend = "; part numbers by commas, one row a line"
        raise CannotRead(f"{path}: {cells[0].strip()!r} in line {line} is not a number{mend}")
    if not lines:
        raise CannotRead(f"{path} holds no numbers: it is empty")
    exact = np.asarray(numbers).reshape(-1, width)
    found = _as_float32(exact)
    if not np.isfinite(found).all():
        row, column = np.argwhere(~np.isfinite(found))[0].tolist()
        number = exact[row, column]
        raise CannotRead(f"{path}: {number:g} in line {lines[row]} is not finite in float32")
    return found


def _counted(file: Iterable[str], report: Report) -> Iterator[str]:
    """Pass lines on and report how many bytes they were; in numbers a sign is a byte."""
    done = 0
    for count, line in enumerate(file):
        done += len(line)
        if count % ROWS_A_REPORT == 0:
            report(done)
        yield line
    report(done)


def _estimated(path: Path) -> int:
    """Return about how many numbers a text file holds, from its size and its first rows."""
    with path.open("rb") as file:
        start = file.read(2**16)
    separators = start.count(b",") + start.count(b"\n")
    return os.stat(path).st_size * max(separators, 1) // max(len(start), 1)


def _require_memory(path: Path, numbers: int) -> None:
    if 4 * numbers > MOST_BYTES:
        size, most = 4 * numbers / 2**30, MOST_BYTES / 2**30
        raise CannotRead(
            f"{path} would take {size:,.1f} GiB of memory, and {most:g} is the most; "
            "give fewer rows"
        )


def _as_float32(numbers: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.array(numbers, dtype=np.float32)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
