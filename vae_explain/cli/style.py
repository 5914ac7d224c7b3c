"""How and where a page is written: the options of output, declared and checked."""

from __future__ import annotations

from collections.abc import Mapping

from ..quick_classes import dataclass
from .choices import Color, Level
from .errors import Problem
from .files import Files, OutputFile

# The endings of names that mean a format, by its name.
Formats = Mapping[str, tuple[str, ...]]
OF_PAGES: Formats = {"text": (".txt",), "json": (".json",)}
STANDARD_OUTPUT = {"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"}


@dataclass(frozen=True)
class Style:
    """How and where a page is written.

    Attributes
    ----------
    output
        The file that gets it; None for standard output.
    files
        All that the command writes.
    level, verbose
        How much is said, and whether how far off the worst number was.
    record
        The file that gets the run; None where it is not kept.
    """

    format: str
    output: OutputFile | None
    digits: int | None
    files: Files
    color: Color = "auto"
    pager: bool = True
    level: Level = "standard"
    verbose: bool = False
    record: OutputFile | None = None


def format_of(typed: str | None, target: OutputFile | None, formats: Formats) -> str:
    """Return the format that was asked for, or that a file's name means."""
    if target is None or target.is_special:
        return typed or next(iter(formats))
    meant = [name for name, endings in formats.items() if target.suffix in endings]
    if typed is not None:
        if meant and meant != [typed]:
            mend = f"{target.shown} is a name for {meant[0]}; leave --format out, or name a file"
            raise Problem("--format", typed, f"{mend} that ends with {formats[typed][0]}")
        return typed
    if not meant:
        endings = [ending for each in formats.values() for ending in each]
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}" if endings[1:] else endings[0]
        more = ", or add --format" if endings[1:] else ""
        raise Problem("--output", target.shown, f"name a file that ends with {listed}{more}")
    return meant[0]
