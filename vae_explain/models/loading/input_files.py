"""Reading an input from a file: numbers in rows, or an array of any shape."""

from __future__ import annotations

import csv
import math
import os
import warnings
from array import array as Packed
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import UserError, reason_of
from ...trace import Array

# Of an input, as float32: what a run makes of it takes several times as much.
MOST_BYTES = 2**30
ROWS_A_REPORT = 500
LARGEST = float(np.finfo(np.float32).max)
MOST_AXES = 32  # of an array, in the oldest NumPy that we run with
LONGEST_CELL = 40  # that a message quotes

Report = Callable[[int], None]


class CannotRead(UserError):
    """A file that holds no input; the message says where and why."""

    option = "--x-file"


def read(path: Path, report: Report = lambda done: None, shown: str = "") -> Array:
    """Return the numbers of a `.csv` (rows) or `.npy` (any shape) file.

    Integers of an `.npy` keep their type; all else is floating, each number finite in float32.

    Parameters
    ----------
    report
        Called with how many bytes are read, while that takes time.
    shown
        What messages call the file; its path when empty.

    Raises
    ------
    CannotRead
        If the file holds something else than finite numbers, rows of several lengths, or
        more than fits into memory, which is estimated first.
    """
    name = shown or str(path)
    try:
        return _npy(path, name) if path.suffix.lower() == ".npy" else _csv(path, name, report)
    except OSError as error:
        raise CannotRead(f"{name} cannot be read: {reason_of(error)}") from None


def _npy(path: Path, name: str) -> Array:
    with path.open("rb") as file:
        shape, in_columns, dtype = _header(file, name)
        # In whole numbers of Python's, which no header can make overflow.
        size = math.prod(shape)
        _require_memory(name, size)
        if size == 0:
            raise CannotRead(f"{name} holds no numbers: its shape is {list(shape)}")
        left = os.stat(path).st_size - file.tell()
        if size * dtype.itemsize > left:
            promised = f"{size} numbers of {dtype.itemsize} bytes"
            raise CannotRead(f"{name} is cut short: it promises {promised} and has {left} bytes")
        array = np.fromfile(file, dtype, size).reshape(shape, order="F" if in_columns else "C")
    low, high = float(array.min()), float(array.max())  # NaN if there is one
    if not (low >= -LARGEST and high <= LARGEST):
        exact = array.astype(np.float64)
        outside = ~((exact >= -LARGEST) & (exact <= LARGEST))
        at = tuple(np.argwhere(outside)[0].tolist())
        raise CannotRead(f"{name}: {array[at]} at {list(at)} is not finite in float32")
    # In the order of bytes of this machine, and no wider than what PyTorch has.
    native = np.float64 if dtype.kind == "f" and dtype.itemsize > 8 else dtype.newbyteorder("=")
    numbers = np.ascontiguousarray(array, dtype=native)
    return numbers.reshape(1, -1) if array.ndim < 2 else numbers


def _header(file: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an `.npy`: its shape, whether it goes by columns, and its type.

    Raises
    ------
    CannotRead
        If it is none, or of something else than real numbers.
    """
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,  # only names of fields are written otherwise
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a header is from Python 2
            shape, in_columns, dtype = readers[np.lib.format.read_magic(file)](file)
    except Exception:  # it is an expression of Python's, and fails in as many ways
        raise CannotRead(
            f"{name} is not a plain .npy array: its header cannot be read; write it by np.save"
        ) from None
    if any(type(length) is not int or length < 0 for length in shape):
        raise CannotRead(f"{name} is not a plain .npy array: {list(shape)} is no shape")
    if len(shape) > MOST_AXES:
        raise CannotRead(f"{name} is not a plain .npy array: it has {len(shape)} axes")
    if dtype.kind not in "iuf":
        raise CannotRead(f"{name} holds {dtype}, not real numbers")
    return shape, in_columns, dtype


def _csv(path: Path, name: str, report: Report) -> Array:
    try:
        _require_memory(name, _estimated(path))
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(name, _counted(file, report))
    except UnicodeDecodeError as error:
        where = f"byte {error.start + 1} is not UTF-8; save it as UTF-8"
        raise CannotRead(f"{name} is not a text file of numbers: {where}") from None
    except csv.Error as error:
        raise CannotRead(f"{name} is not a text file of numbers: {error}") from None


def _rows(name: str, text: Iterable[str]) -> Array:
    """Read rows of one length, each number's line kept so that an error can name it."""
    reader = csv.reader(text)
    numbers, lines = Packed("d"), Packed("q")
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
            raise CannotRead(f"{name}: line {line} has {len(cells)} numbers, but {first}")
        for cell in cells:
            if not _is_number(cell):
                raise CannotRead(f"{name}: {_cut(cell)} in line {line} is not a number")
            number = float(cell)
            if not -LARGEST <= number <= LARGEST:
                raise CannotRead(f"{name}: {number:g} in line {line} is not finite in float32")
            numbers.append(number)
        lines.append(line)
    if not lines and header is not None:
        line, cells = header
        mend = "; separate numbers by commas, one row per line"
        raise CannotRead(f"{name}: {_cut(cells[0])} in line {line} is not a number{mend}")
    if not lines:
        raise CannotRead(f"{name} holds no numbers: it is empty")
    return np.asarray(numbers).reshape(-1, width)


def _cut(cell: str) -> str:
    """Quote what stands where a number should, its beginning alone if it is long."""
    text = cell.strip()
    return repr(text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 3]}...")


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


def _require_memory(name: str, numbers: int) -> None:
    if 4 * numbers > MOST_BYTES:
        size, most = 4 * numbers / 2**30, MOST_BYTES / 2**30
        raise CannotRead(
            f"{name} would take {size:,.1f} GiB of memory, and {most:g} is the most; "
            "give fewer rows"
        )


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()
