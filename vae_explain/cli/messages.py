"""Lines on standard error: our own, and PyTorch's warnings with the line of the user's code.

A warning carries the line that called PyTorch. While we record, that line is ours or PyTorch's
own; the line that the user can change is further up the stack.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from types import FrameType
from typing import TextIO

from ..symbolic.printable import printable
from ..version import PACKAGE_FOLDER
from .streams import message_stream

# Standard modules that may stand between the user's line and PyTorch's.
STANDARD = frozenset({contextlib.__file__, warnings.__file__})
COMMANDS = os.path.dirname(__file__) + os.sep


class WarningPrinter:
    """Replaces `warnings.showwarning`, and says each warning of each line once."""

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
        # A model may run several times for one page.
        if (text, place) in self._said:
            return
        self._said.add((text, place))
        say(f"warning: {text} ({place})")


def say(message: str) -> None:
    """Write one line on standard error, whatever it can encode, and nothing that steers it.

    Where that is closed or full, a page is still right and a file still written.
    """
    stream = message_stream()
    encoding = stream.encoding or "ascii"
    plain = " ".join(message.split("\n"))
    line = f"vae-explain: {printable(plain)}\n"
    with contextlib.suppress(OSError, ValueError):  # full, or closed
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding))


def _place() -> tuple[str, int] | None:
    """Return the innermost line of the user's on the stack; None if there is none."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(COMMANDS):
            return None  # what is further up called us
        if not _is_between(name):
            return name, frame.f_lineno
        frame = frame.f_back
    return None


def _is_between(filename: str) -> bool:
    """Whether a file is ours, PyTorch's, or one that PyTorch goes through."""
    torch = getattr(sys.modules.get("torch"), "__file__", None)
    folders = (PACKAGE_FOLDER, os.path.dirname(torch) + os.sep) if torch else (PACKAGE_FOLDER,)
    return filename.startswith(folders) or filename in STANDARD
