"""What PyTorch warns of while a model runs, said with the line of the model's own code.

A warning has the line that called PyTorch, and while we look on that is one of ours, or one of
PyTorch's own. The line that the user can change is further up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from types import FrameType
from typing import TextIO

PYTHONS = frozenset({contextlib.__file__, warnings.__file__})  # they stand between, too
COMMANDS = os.path.dirname(__file__) + os.sep
PACKAGE = os.path.dirname(os.path.dirname(__file__)) + os.sep


class Shown:
    """Stands in for `warnings.showwarning`, and says each warning of each line once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        text = " ".join(str(message).split())
        if _is_between(filename):
            filename, lineno = _place() or (filename, lineno)
        place = f"{filename}:{lineno}"
        # That of the record and of another run of the model are one to the user.
        if (text, place) in self._said:
            return
        self._said.add((text, place))
        with contextlib.suppress(OSError):  # nobody hears of it, and the page is as right
            say(f"warning: {text} ({place})")


def say(message: str) -> None:
    """Write one line on standard error, whatever it can encode."""
    encoding = sys.stderr.encoding or "ascii"
    line = f"vae-explain: {message}\n"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding))


def _place() -> tuple[str, int] | None:
    """Return the innermost line of the user's that is at work; None where none is."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(COMMANDS):
            return None  # what is further up called the command
        if not _is_between(name):
            return name, frame.f_lineno
        frame = frame.f_back
    return None


def _is_between(filename: str) -> bool:
    """Whether a file is ours, or PyTorch's with what it stands on."""
    torch = getattr(sys.modules.get("torch"), "__file__", None)
    folders = (PACKAGE, os.path.dirname(torch) + os.sep) if torch else (PACKAGE,)
    return filename.startswith(folders) or filename in PYTHONS
