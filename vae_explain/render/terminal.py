"""The terminal: styled lines to plain text, to ANSI colours, to an SVG picture.

The only file that imports Rich, and only when colours are wanted.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..blocks import Walkthrough
from .layout import Layout
from .numbers import Numbers
from .pieces import Line
from .symbols import Symbols

if TYPE_CHECKING:
    from rich.console import Console

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
    "check": "#4f9a45",
    "failure": "bold #d0433c",
    "warning": "#b8720a",
}


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
        width=10_000,
        legacy_windows=False,
    )
    _print(console, lines)
    return stream.getvalue()


def detected_colors(stream: object) -> str | None:
    """Return which colours a stream's terminal has; None for none."""
    from rich.console import Console

    found: str | None = Console(file=stream).color_system  # type: ignore[arg-type]  # any text file
    return found


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


def _print(console: Console, lines: Sequence[Line]) -> None:
    from rich.segment import Segment, Segments
    from rich.style import Style

    styles = {name: Style.parse(style) if style else None for name, style in STYLES.items()}
    segments: list[Segment] = []
    for line in lines:
        segments += [Segment(piece.text, styles[piece.style]) for piece in line if piece.text]
        segments.append(Segment.line())
    console.print(Segments(segments), end="", soft_wrap=True)


def lay_out(
    walkthrough: Walkthrough, width: int, digits: int | None = None, ascii_only: bool = False
) -> list[Line]:
    """Return a page as lines for a width of at least 40 columns."""
    return Layout(width, Numbers(digits), Symbols(ascii_only)).page(walkthrough)


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
