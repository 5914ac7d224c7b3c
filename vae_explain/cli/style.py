"""How and where a page is written: the options of output, declared and checked."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from . import parsing
from .completion import completing
from .errors import Problem
from .files import Files, Target

Color = Literal["always", "never", "auto"]
Level = Literal["intro", "standard", "expert"]
LEVELS = ("intro", "standard", "expert")
output_option = functools.partial(typer.Option, rich_help_panel="Output")

FormatOption = Annotated[
    str | None,
    output_option(
        "--format",
        metavar="text|json",
        help="Output format.  [default: from the extension of FILE, else text]",
        autocompletion=completing(("text", "json")),
    ),
]
JsonOption = Annotated[bool, output_option("--json", help="Same as --format json.")]
Output = Annotated[
    Path | None,
    output_option(
        "--output", "-o", metavar="FILE", help="Write to a file; its extension sets the format."
    ),
]
ColorOption = Annotated[
    str,
    output_option(
        "--color",
        metavar="always|never|auto",
        help="When to use colours.",
        autocompletion=completing(("always", "never", "auto")),
    ),
]
PagerOption = Annotated[
    bool,
    output_option("--no-pager", help="Print long pages directly, without a pager."),
]

LevelOption = Annotated[
    str,
    output_option(
        "--level",
        metavar="intro|standard|expert",
        help="How much is explained: intro explains every term, expert shows only the arithmetic.",
    ),
]
VerboseOption = Annotated[
    bool, output_option("--verbose", help="Show how far off the worst checked number was.")
]

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
    output: Target | None
    digits: int | None
    files: Files
    color: Color = "auto"
    pager: bool = True
    level: Level = "standard"
    verbose: bool = False
    record: Target | None = None


def checked_style(
    format_name: str | None,
    output: Path | None,
    digits: str | None = None,
    *,
    json: bool = False,
    color: str = "auto",
    no_pager: bool = False,
    level: str = "standard",
    verbose: bool = False,
    inputs: Mapping[str, Path] | None = None,
    formats: Formats = OF_PAGES,
) -> Style:
    """Check the output options.

    Parameters
    ----------
    inputs
        The files that the command reads, which none of its own may replace.
    formats
        Those that the command writes, the first of them when nothing says which.
    """
    files = Files(inputs or {})
    color = parsing.choice("--color", color, ("always", "never", "auto"))
    level = parsing.choice("--level", level, LEVELS)
    if json:
        if format_name is not None and format_name.casefold() != "json":
            raise Problem("--json", f"--format {format_name}", "these are two formats; give one")
        format_name = "json"
    if format_name is not None:
        format_name = parsing.choice("--format", format_name, tuple(formats))
    target = None
    if output is not None and str(output) not in STANDARD_OUTPUT:
        target = files.name("--output", output)
    chosen = _format(format_name, target, formats)
    places = None if digits is None else parsing.whole("--digits", digits, 0, 17, "it")
    return Style(
        chosen, target, places, files, cast(Color, color), not no_pager, cast(Level, level), verbose
    )


def _format(given: str | None, target: Target | None, formats: Formats) -> str:
    """Return the format that was asked for, or that a file's name means."""
    if target is None or target.is_special:
        return given or next(iter(formats))
    meant = [name for name, endings in formats.items() if target.suffix in endings]
    if given is not None:
        if meant and meant != [given]:
            mend = f"{target.shown} is a name for {meant[0]}; leave --format out, or name a file"
            raise Problem("--format", given, f"{mend} that ends with {formats[given][0]}")
        return given
    if not meant:
        endings = [ending for each in formats.values() for ending in each]
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}" if endings[1:] else endings[0]
        more = ", or add --format" if endings[1:] else ""
        raise Problem("--output", target.shown, f"name a file that ends with {listed}{more}")
    return meant[0]
