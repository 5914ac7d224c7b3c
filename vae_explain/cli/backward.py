"""`vae-explain backward`: the chain rule down to every parameter, or to one."""

from __future__ import annotations

from typing import Annotated

import typer

from . import names, output
from .errors import ExitCode
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
            autocompletion=names.completing(names.GRADIENTS),
        ),
    ] = None,
    term: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Derive one term of the loss alone, mse or kl."),
    ] = None,
    latex: Latex = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    job = Job(options, style, "full")
    chosen = names.gradient_names(param, term, job.architecture)

    from ..pages.walkthrough import backward as page

    run = job.run(finite=False)
    names.known("--param", chosen, run, gradient=True, term=term)
    walkthrough, checks = page.backward(run, chosen, term, latex)
    passed = not checks.failed and job.agrees and run.is_finite
    if style.format == "json":
        from ..pages.render import json

        return output.write(json.dump(run, "backward", checks), style, passed)
    return output.show(walkthrough, style, passed)
