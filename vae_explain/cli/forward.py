"""`vae-explain forward`: the forward pass, step by step."""

from __future__ import annotations

from typing import Annotated

import typer

from . import names, output
from .job import Job
from .options import Latex, Options, with_options


@with_options
def forward(
    step: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Show this step alone, every line in full; may be repeated.",
            autocompletion=names.complete_step,
        ),
    ] = None,
    latex: Latex = False,
    *,
    options: Options,
) -> None:
    """Show the whole forward pass, from x to the loss."""
    style = options.style()
    job = Job(options, "printed")
    chosen = list(step or ()) if job.own else names.step_names(step, job.architecture)

    from ..pages.walkthrough import forward as page

    run = job.run()
    if job.own:
        names.known("--step", chosen, run)
    walkthrough, checks = page.forward(run, chosen, latex)
    if style.format == "json":
        from ..pages.render import json

        output.write(json.dump(run, "forward", checks, chosen), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
