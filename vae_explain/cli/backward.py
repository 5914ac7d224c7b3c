"""`vae-explain backward`: the chain rule down to every parameter, or to one."""

from __future__ import annotations

from typing import Annotated

import typer

from . import names, output
from .job import Job
from .options import Latex, Options, with_options


@with_options
def backward(
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Derive this parameter or value alone, with the chain that leads to it; "
            "may be repeated.",
            autocompletion=names.complete_gradient,
        ),
    ] = None,
    term: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Derive one term of the loss alone, mse or kl."),
    ] = None,
    latex: Latex = False,
    *,
    options: Options,
) -> None:
    """Show the backward pass: every gradient by the chain rule."""
    style = options.style()
    job = Job(options, "full")
    chosen = names.wanted_gradients(param, term, None if job.own else job.architecture)

    from ..pages.walkthrough import backward as page

    run = job.run()
    if job.own:
        names.known("--param", chosen, run, gradient=True, term=term)
    walkthrough, checks = page.backward(run, chosen, term, latex)
    if style.format == "json":
        from ..pages.render import json

        output.write(json.dump(run, "backward", checks), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
