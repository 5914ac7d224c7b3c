"""`vae-explain params`: the architecture, and all weights and biases."""

from __future__ import annotations

import typer

from . import output
from .job import Job
from .options import Options, with_options


@with_options
def params(
    *,
    options: Options,
) -> None:
    """Show the architecture, and all weights and biases."""
    style = options.style()
    job = Job(options, "printed")

    from ..walkthrough import parameters as page

    run = job.run()
    walkthrough, checks = page.parameters(run, None if job.own else job.architecture)
    if style.format == "json":
        from ..render import json

        output.write(json.dump(run, "params", checks), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
