"""`vae-explain diagram`: the model drawn, with the numbers of one run as shades."""

from __future__ import annotations

from functools import partial

from .. import output
from ..errors import ExitCode
from ..job import Job
from ..options import Options
from ..shared_options import with_options

BY_ENDING = "the extension of FILE says it, .svg, .png or .pdf (forward has the numbers as JSON)"
REFUSED = {
    "digits": "a picture has shades and no digits; leave it out",
    "format": BY_ENDING,
    "json": BY_ENDING,
}


@partial(with_options, refused=REFUSED)
def diagram(*, options: Options) -> ExitCode:
    style = options.style({name: (f".{name}",) for name in ("svg", "png", "pdf")})
    job = Job(options, style, "printed")
    run = job.run()

    from ...pages.render import diagram as drawing
    from ...pages.walkthrough.header import heading_line
    from ...pages.walkthrough.network import network

    picture: str | bytes = drawing.svg(network(run), heading_line(run))
    if style.format != "svg":
        from ...pages.render.printed import printed

        picture = printed(str(picture), "pdf" if style.format == "pdf" else "png")
    return output.write(picture, style, job.agrees)
