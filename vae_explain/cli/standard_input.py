"""What comes in by standard input, where `-` is given for a file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "standard input"
START_OF_NPY = b"\x93NUMPY"


def is_meant(path: Path) -> bool:
    """Whether a file is standard input."""
    return str(path) == "-"


@contextmanager
def numbers_as_file() -> Iterator[Path]:
    """Put what comes in into a file for a while: an `.npy` if it begins as one, or a `.csv`."""
    stream = sys.stdin.buffer
    with tempfile.TemporaryDirectory() as folder:
        start = stream.read(len(START_OF_NPY))
        path = Path(folder, "x.npy" if start == START_OF_NPY else "x.csv")
        with path.open("wb") as file:
            file.write(start)
            shutil.copyfileobj(stream, file)
        yield path
