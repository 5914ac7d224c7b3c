"""The terminal: styled lines to plain text, to ANSI colours, to an SVG picture.

The only file that imports Rich, and only when colours are wanted.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from ...blocks import Walkthrough
from ..numbers import Numbers
from .layout import Layout
from .pieces import Line
from .symbols import Symbols

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.segment import Segments

PATIENCE = 1.0  # seconds of silence before a progress bar appears
# Mid tones, so that each has contrast on a dark and on a light ground. One meaning each;
# the accent is the quantity being explained.
STYLES = {
    "": "",
    "accent": "bold #c47f17",
    "badge": "bold #ffffff on #b8720a",
    "bold": "bold",
    "parameter": "#3a8fbd",
    "input": "#a5669f",
    "noise": "#2f9a8a",
    "value": "",
    "gradient": "",
    "constant": "",
    "operator": "#8a8a8a",
    "dim": "#8a8a8a",
    "label": "#8a8a8a",
    "text": "",
    "reconstruction": "#6f83c4",
    "kl": "#c4625f",
    "positive": "#c47f17",
    "negative": "#3a8fbd",
    "check": "#4f9a45",
    "failure": "bold #d0433c",
    "warning": "#b8720a",
}

# Of the 16 colours, which every terminal defines for itself, few can be read on a dark and on a
# light ground; those nearest to our greys and browns cannot. Secondary text is dimmed in
# whatever colour it has, and what has no colour here is clear from its place and its words.
STYLES_OF_16 = STYLES | {
    "accent": "bold bright_magenta",
    "badge": "bold reverse",
    "parameter": "bright_blue",
    "input": "",
    "noise": "",
    "operator": "dim",
    "dim": "dim",
    "label": "dim",
    "reconstruction": "bright_blue",
    "kl": "bright_red",
    "positive": "bright_red",
    "negative": "bright_blue",
    "check": "dim",
    "failure": "bold bright_red",
    "warning": "bold",
}
OF_16 = "standard", "windows"  # what Rich calls terminals of so many colours


def plain(lines: Sequence[Line]) -> str:
    """Return lines without any style."""
    return "".join("".join(piece.text for piece in line).rstrip() + "\n" for line in lines)


def coloured(lines: Sequence[Line], color_system: str) -> str:
    """Return lines with ANSI codes for a terminal that has `color_system` colours."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream,
        force_terminal=True,
        color_system=color_system,  # type: ignore[arg-type]  # a Literal there, detected here
        no_color=False,  # it reads NO_COLOR itself, which --color always overrules
        width=10_000,
        legacy_windows=False,
    )
    _print(console, lines, STYLES_OF_16 if color_system in OF_16 else STYLES)
    return stream.getvalue()


def detected_colors(stream: object) -> str:
    """Return which colours a stream's terminal has, or the fewest that any has."""
    from rich.console import Console

    # Whether there are to be any has been decided, also for a stream that is no terminal.
    console = Console(file=stream, force_terminal=True)  # type: ignore[arg-type]  # any text file
    return console.color_system or "standard"


def svg(lines: Sequence[Line], width: int, title: str, light: bool = False) -> str:
    """Return a picture of a terminal that shows the lines; it names no font host."""
    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme

    console = Console(
        record=True,
        file=io.StringIO(),  # a recording console must write somewhere
        force_terminal=True,
        color_system="truecolor",
        width=width,
        legacy_windows=False,
    )
    _print(console, lines)
    bright = TerminalTheme((252, 252, 250), (40, 40, 44), [(0, 0, 0)] * 8, [(90, 90, 90)] * 8)
    return console.export_svg(
        title=title,
        theme=bright if light else DIMMED_MONOKAI,
        code_format=SVG_WITHOUT_FONT_HOST,
        unique_id="vae-explain",
    )


def segments(lines: Sequence[Line], named: Mapping[str, str] = STYLES) -> Segments:
    """Return lines as what Rich prints; for a console that is not ours, in any colours."""
    from rich.segment import Segment, Segments
    from rich.style import Style

    styles = {name: Style.parse(style) if style else None for name, style in named.items()}
    printed: list[Segment] = []
    for line in lines:
        printed += [Segment(piece.text, styles[piece.style]) for piece in line if piece.text]
        printed.append(Segment.line())
    return Segments(printed)


def _print(console: Console, lines: Sequence[Line], named: Mapping[str, str] = STYLES) -> None:
    console.print(segments(lines, named), end="", soft_wrap=True)


def html(lines: Sequence[Line]) -> str:
    """Return lines as one `pre` element with inline styles, for a notebook's cell."""
    from html import escape

    written = []
    for line in lines:
        for piece in line:
            style, text = CSS.get(piece.style, ""), escape(piece.text)
            written.append(f'<span style="{style}">{text}</span>' if style else text)
        written.append("\n")
    return f'<pre style="line-height: 1.3; font-family: monospace">{"".join(written)}</pre>'


def _css(style: str) -> str:
    words = style.split()
    declarations = ["font-weight: bold"] if "bold" in words else []
    before, _, behind = style.partition(" on ")
    declarations += [f"color: {word}" for word in before.split() if word.startswith("#")]
    return "; ".join(declarations + ([f"background: {behind}"] if behind else []))


CSS = {name: _css(style) for name, style in STYLES.items()}


def lay_out(
    walkthrough: Walkthrough, width: int, digits: int | None = None, ascii_only: bool = False
) -> list[Line]:
    """Return a page as lines for a width of at least 40 columns."""
    return Layout(width, Numbers(digits), Symbols(ascii_only)).page(walkthrough)


@contextmanager
def progress(total: int, words: str, stream: TextIO) -> Iterator[Callable[[int], None]]:
    """Give a function to report with how much is done; a bar shows it if that takes long.

    Nothing is written within the first second, nor ever when `stream` is no terminal; what
    was written is gone at the end.
    """
    bar: Progress | None = None
    started: float | None = None

    def report(done: int) -> None:
        nonlocal bar, started
        now = time.monotonic()
        started = started or now
        if bar is None and now - started > PATIENCE:
            bar = bar_of(words, total, stream)
            bar.start()
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield report if stream.isatty() else lambda _: None
    finally:
        if bar is not None:
            bar.stop()


def bar_of(words: str, total: int | None, stream: TextIO) -> Progress:
    """Return a bar that is not shown yet; without a `total` it moves to and fro."""
    from rich import progress as parts
    from rich.console import Console

    counts = (parts.MofNCompleteColumn(), parts.TimeRemainingColumn()) if total else ()
    columns = (parts.TextColumn(words, markup=False), parts.BarColumn(), *counts)
    bar = parts.Progress(*columns, console=Console(file=stream), transient=True)
    bar.add_task(words, total=total)
    return bar


# Rich's own template asks a web host for its font; this one takes what the machine has.
SVG_WITHOUT_FONT_HOST = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: "DejaVu Sans Mono", "Fira Code", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""
