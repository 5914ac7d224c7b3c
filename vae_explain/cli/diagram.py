"""`vae-explain diagram`: the model drawn, with the numbers of one run as shades."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output
from .errors import ExitCode, Problem
from .job import Job
from .options import Options, with_options


@with_options
def diagram(
    format: Annotated[str | None, typer.Option(hidden=True)] = None,
    json: Annotated[bool, typer.Option(hidden=True)] = False,
    digits: Annotated[str | None, typer.Option(hidden=True)] = None,
    *,
    options: Options,
) -> ExitCode:
    if digits is not None:
        raise Problem("--digits", digits, "a picture has shades and no digits; leave it out")
    if format is not None or json:
        mend = "the end of FILE says it, .svg, .png or .pdf (forward has the numbers as JSON)"
        raise Problem("--format", format or "json", mend)
    style = options.style({name: (f".{name}",) for name in ("svg", "png", "pdf")})
    job = Job(options, style, "printed")
    run = job.run()

    from ..pages.render import diagram as drawing
    from ..pages.walkthrough.header import heading_line
    from ..pages.walkthrough.network import network

    picture: str | bytes = drawing.svg(network(run), heading_line(run))
    if style.format != "svg":
        from ..pages.render.printed import printed

        picture = printed(str(picture), "pdf" if style.format == "pdf" else "png")
    return output.write(picture, style, job.agrees)
