"""Where a page goes, and where what the model prints goes while it is made.

A page has standard output for itself, so that its JSON is JSON. What the user's code prints goes
to standard error, at whatever time.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

_PAGE: ContextVar[TextIO | None] = ContextVar("page stream", default=None)
_MESSAGES: ContextVar[TextIO | None] = ContextVar("stream of messages", default=None)


def message_stream() -> TextIO:
    """Return the stream that a note or an error is written on."""
    return _MESSAGES.get() or sys.stderr


def page_stream() -> TextIO:
    """Return the stream that a page is printed on."""
    return _PAGE.get() or sys.stdout


@contextmanager
def printing_apart() -> Iterator[None]:
    """Keep standard output for the page, and let all else that is printed go to standard error.

    The user's code may replace both streams or close them: they are put back.
    """
    streams = sys.stdout, sys.stderr
    before = _PAGE.set(sys.stdout), _MESSAGES.set(sys.stderr)
    sys.stdout = sys.stderr = Elsewhere(sys.stderr)
    try:
        yield
    finally:
        _PAGE.reset(before[0])
        _MESSAGES.reset(before[1])
        sys.stdout, sys.stderr = streams


def keep_descriptor() -> None:
    """Keep standard output for the page also from code in C, which writes to its descriptor.

    The page gets a descriptor of its own, and the usual one becomes that of standard error.
    What the page's encoding lacks, as an undecoded byte of a file's name, stands as its code.
    """
    number = sys.stdout.fileno()
    page = open(  # noqa: SIM115  # until the process ends
        os.dup(number),
        "w",
        encoding=sys.stdout.encoding,
        errors="backslashreplace",
        buffering=1 if sys.stdout.line_buffering else -1,
    )
    os.dup2(sys.stderr.fileno(), number)
    sys.stdout = page


class Elsewhere(io.TextIOBase):
    """A stream whose text goes to another; neither can be closed."""

    def __init__(self, other: TextIO) -> None:
        self._other = other

    @property
    def encoding(self) -> str:  # type: ignore[override]  # as a property of the other's
        return self._other.encoding

    def close(self) -> None:
        """Stay open: a model that closes its stream runs several times for one page."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._other.isatty()

    def fileno(self) -> int:
        return self._other.fileno()

    def write(self, text: str, /) -> int:
        return self._other.write(text)

    def flush(self) -> None:
        self._other.flush()
