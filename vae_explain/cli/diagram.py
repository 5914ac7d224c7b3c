"""`vae-explain diagram`: the model drawn, with the numbers of one run as shades."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output
from .errors import ExitCode, Problem
from .job import Job
from .options import Options, file_to_write, with_options


@with_options
def diagram(
    format: Annotated[str, typer.Option(hidden=True)] = "text",
    digits: Annotated[str | None, typer.Option(hidden=True)] = None,
    *,
    options: Options,
) -> ExitCode:
    """Draw the layers of the model as an SVG, with the numbers of this run as shades."""
    if digits is not None:
        raise Problem("--digits", digits, "a picture has shades and no digits; leave it out")
    if format != "text":
        mend = "a picture is always SVG; leave it out (forward has the numbers as JSON)"
        raise Problem("--format", format, mend)
    style = options.style()
    if style.output is not None:
        file_to_write("--output", style.output, (".svg",))
    run = Job(options, "printed").run()

    from ..pages.render import diagram as drawing
    from ..pages.walkthrough.header import heading_line
    from ..pages.walkthrough.network import network

    return output.write(drawing.svg(network(run), heading_line(run)), style)
