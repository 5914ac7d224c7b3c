"""Writing a finished page: to the terminal as it can show it, or to a file."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from ..engine.progress import working_on
from .choices import Color
from .errors import ExitCode
from .files import OutputFile
from .streams import page_stream
from .style import Style

if TYPE_CHECKING:
    from ..pages.blocks import Walkthrough
    from ..trace import Array

SIGNS = "μσεπ∂Σ·→½²ᵀ✓⎡▁│░"  # what a page may need; a terminal without one of them gets ASCII
NARROWEST, IN_A_FILE, ROWS = 40, 80, 24
PAGER = "less"
# As git has it: colours are shown, and what fits the screen after all is left standing.
HOW_TO_PAGE = {"LESS": "FRX", "LV": "-c"}


def show(walkthrough: Walkthrough, style: Style, passed: bool = True) -> ExitCode:
    """Write a page as text, with colours where they are wanted; return the exit code."""
    from ..pages.reading_level import for_reader
    from ..pages.render.terminal import terminal

    walkthrough = for_reader(walkthrough, style.level, style.verbose)
    stream = page_stream()
    to_file = style.output is not None
    ascii_only = not to_file and not can_write(stream, SIGNS)
    lines = terminal.lay_out(walkthrough, width(to_file), style.digits, ascii_only)
    if wants_colors(None if to_file else stream, style.color):
        text = terminal.coloured(lines, terminal.detected_colors(stream))
    else:
        text = terminal.plain(lines)
    return write(text, style, passed)


def write(text: str | bytes | Iterator[str], style: Style, passed: bool = True) -> ExitCode:
    """Write finished text where it was asked for, and the command's other files with it.

    Bytes go into a file alone; a long text comes in pieces.

    Returns
    -------
    ExitCode
        Whether all checks passed.
    """
    working_on("")  # a bar is gone before the page stands there
    if style.output is not None:
        style.files.put(style.output, text if isinstance(text, str | bytes) else "".join(text))
        style.files.write()
    else:
        assert not isinstance(text, bytes), "what is no text has a file"
        style.files.write()
        _print(text, style.pager)
    return ExitCode.OK if passed else ExitCode.CHECK_FAILED


def put_weights(target: OutputFile, tensors: Mapping[str, Array], style: Style) -> None:
    """Add a file of weights, of the kind that its name ends with, to what is written."""
    from ..models.loading import weight_files

    style.files.put(target, weight_files.to_bytes(tensors, target.suffix))


def _print(text: str | Iterator[str], paged: bool) -> None:
    stream = page_stream()
    if not isinstance(text, str):
        if not paged or not stream.isatty():
            stream.writelines(text)
            return
        text = "".join(text)
    command = pager_for(text, stream) if paged else []
    if not command:
        stream.write(text)
        return
    stream.flush()
    environment = HOW_TO_PAGE | os.environ
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, env=environment) as pager:
        assert pager.stdin is not None
        try:
            pager.stdin.write(text.encode(stream.encoding or "utf-8", "replace"))
            pager.stdin.close()
        except BrokenPipeError:
            pass  # the reader has seen enough


def pager_for(text: str, stream: TextIO) -> list[str]:
    """Return the command that shows a page screen by screen; none where it is not needed."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return []
    if text.count("\n") < _size(stream).lines:
        return []
    command = shlex.split(os.environ.get("PAGER", PAGER))
    known = bool(command) and shutil.which(command[0]) is not None
    return command if known and command != ["cat"] else []


def width(to_file: bool) -> int:
    """Return how many columns a page may use."""
    return IN_A_FILE if to_file else max(_size(page_stream()).columns, NARROWEST)


def _size(stream: TextIO) -> os.terminal_size:
    """Return the size of a terminal, as COLUMNS and LINES or else the terminal itself says."""
    usual = shutil.get_terminal_size((0, 0))
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        size = os.terminal_size((0, 0))
    columns = _told("COLUMNS") or size.columns or usual.columns or IN_A_FILE
    return os.terminal_size((columns, _told("LINES") or size.lines or usual.lines or ROWS))


def _told(variable: str) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isascii() and text.isdigit() else 0


def can_write(stream: TextIO, text: str) -> bool:
    """Whether a stream's encoding has all of some signs."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def wants_colors(stream: TextIO | None, color: Color = "auto") -> bool:
    """Whether a page gets colours: as it was asked for, or else as its terminal's user likes.

    Parameters
    ----------
    stream
        Where it is printed; None for a file.
    """
    if color != "auto":
        return color == "always"
    if stream is None or os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR", "")
    if forced:
        return forced not in ("0", "false")
    return stream.isatty() and os.environ.get("TERM") != "dumb"
