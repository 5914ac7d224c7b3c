"""Reading an input from a file: numbers in rows, or an array of any shape."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from .trace import Array


class CannotRead(ValueError):
    """A file that holds no input; the message says where and why."""


def read(path: Path) -> Array:
    """Return the numbers of a `.csv` (rows) or `.npy` (any shape) file, as float32.

    Raises
    ------
    CannotRead
        If the file holds something else than finite numbers, or rows of several lengths.
    """
    array = _npy(path) if path.suffix.lower() == ".npy" else _csv(path)
    if array.size == 0:
        raise CannotRead(f"{path} holds no numbers")
    with np.errstate(over="ignore"):
        found = array.astype(np.float32)
    if not np.isfinite(found).all():
        raise CannotRead(f"{path} holds numbers that are not finite in float32")
    return found


def _npy(path: Path) -> Array:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CannotRead(f"{path} is not a plain .npy array: {error}") from None
    if not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise CannotRead(f"{path} holds {array.dtype}, not real numbers")
    found: Array = array.reshape(1, -1) if array.ndim < 2 else array
    return found


def _csv(path: Path) -> Array:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CannotRead(f"{path} is not a text file of numbers: {error}") from None
    if rows and not any(_is_number(cell) for cell in rows[0]):
        rows = rows[1:]  # a header
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise CannotRead(f"{path} has rows of {min(widths)} and of {max(widths)} numbers")
    for line, row in enumerate(rows, start=1):
        for cell in row:
            if not _is_number(cell):
                raise CannotRead(f"{path}: {cell.strip()!r} in row {line} is not a number")
    return np.array([[float(cell) for cell in row] for row in rows])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
