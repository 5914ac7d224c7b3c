"""Writing a finished page: to the terminal as it can show it, or to a file, whole or not."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .errors import ExitCode, Problem
from .options import Style

if TYPE_CHECKING:
    from ..pages.blocks import Walkthrough
    from ..trace import Array

SIGNS = "μσεπ∂Σ·→½²ᵀ✓⎡▁│░"  # what a page may need; a terminal without one of them gets ASCII
NARROWEST, IN_A_FILE = 40, 80


def show(walkthrough: Walkthrough, style: Style, passed: bool = True) -> ExitCode:
    """Write a page as text, with colours where they are wanted; return the exit code."""
    from ..pages.render import terminal

    stream = sys.stdout
    to_file = style.output is not None
    ascii_only = not to_file and not can_write(stream, SIGNS)
    lines = terminal.lay_out(walkthrough, width(to_file), style.digits, ascii_only)
    colors = None if to_file or not wants_colors(stream) else terminal.detected_colors(stream)
    text = terminal.coloured(lines, colors) if colors else terminal.plain(lines)
    return write(text, style, passed)


def write(text: str, style: Style, passed: bool = True) -> ExitCode:
    """Write finished text where it was asked for; return the exit code."""
    if style.output is not None:
        write_whole(style.output, text)
    else:
        sys.stdout.write(text)
    return ExitCode.OK if passed else ExitCode.CHECK_FAILED


def write_whole(path: Path, content: str | bytes, option: str = "--output") -> None:
    """Write a file whole or not at all, by way of a temporary one beside it."""
    data = content.encode() if isinstance(content, str) else content
    try:
        target = path.resolve()  # a link stays a link
        if target.exists() and not target.is_file():
            target.write_bytes(data)  # a device or pipe, not to be replaced
        else:
            _replace(target, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Problem(option, path, f"cannot be written: {reason.lower()}") from None


def save_weights(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write a file of weights whole or not at all, of the kind that its name ends with."""
    from ..models import weight_files

    write_whole(path, weight_files.to_bytes(tensors, path.suffix), "--save")


def _replace(path: Path, data: bytes) -> None:
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(
            "wb", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = file.name
            file.write(data)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:  # an interrupt too must leave nothing behind
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def width(to_file: bool) -> int:
    """Return how many columns a page may use."""
    if to_file:
        return IN_A_FILE
    return max(shutil.get_terminal_size((IN_A_FILE, 24)).columns, NARROWEST)


def can_write(stream: TextIO, text: str) -> bool:
    """Whether a stream's encoding has all of some signs."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def wants_colors(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user has not said no to colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
