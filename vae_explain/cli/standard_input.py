"""What comes in by standard input, where `-` is given for a file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError

NAME = "standard input"
START_OF_NPY = b"\x93NUMPY"


def is_meant(path: Path) -> bool:
    """Whether a file is standard input."""
    return str(path) == "-"


@contextmanager
def numbers_as_file() -> Iterator[Path]:
    """Put what comes in into a file for a while: an `.npy` if it begins as one, or a `.csv`."""
    with _as_file(lambda start: "x.npy" if start.startswith(START_OF_NPY) else "x.csv") as path:
        yield path


@contextmanager
def weights_as_file(path: Path | None) -> Iterator[Path | None]:
    """Put weights that come in into a file for a while; another file stays as it is."""
    if path is None or not is_meant(path):
        yield path
        return
    with _as_file(lambda start: "weights" + (".safetensors" if b"{" in start else ".pt")) as file:
        try:
            yield file
        except UserError as error:
            if str(file) not in str(error):
                raise
            words = str(error).replace(str(file), NAME)  # of a file that nobody has named
            raise UserError(words, error.option, error.value) from None


@contextmanager
def _as_file(name: Callable[[bytes], str]) -> Iterator[Path]:
    """Put what comes in into a file, whose name follows from how it begins."""
    stream = sys.stdin.buffer
    with tempfile.TemporaryDirectory() as folder:
        start = stream.read(9)  # a safetensors file has its header's length first, then a brace
        path = Path(folder, name(start))
        with path.open("wb") as file:
            file.write(start)
            shutil.copyfileobj(stream, file)
        yield path
