"""`vae-explain why`: where one number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from . import names, output, parsing
from .errors import ExitCode
from .job import Job
from .options import Options, with_options


@with_options
def why(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A value or a gradient, with an index: z[0], recon_x[2], fc1.weight.grad[0,1].",
            autocompletion=names.completing(names.TARGETS),
        ),
    ],
    term: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Explain the gradient of one term of the loss, mse or kl.",
        ),
    ] = None,
    depth: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="How many levels down; as many as fit a screen by default.",
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Down to what was given.")] = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    levels = None if depth is None else parsing.whole("--depth", depth, 0, 1000, "a depth")
    name = target.split("[")[0].strip()
    job = Job(options, style, "full" if name.endswith(".grad") else "printed")
    if job.architecture:
        names.require_target(target, term, job.rows, job.architecture)

    from ..engine.provenance import Provenance
    from ..pages.walkthrough import why as page

    run = job.run(finite=False)
    view = Provenance(run)
    name, gradient, index = names.known_target(target, term, run)
    element = view.target(name, gradient, index, term)
    chosen = index is None and run.value(name).shape != ()
    walkthrough, checks = page.why(run, element, chosen=chosen, depth=levels, full=full)
    passed = not checks.failed and job.agrees and run.is_finite
    if style.format == "json":
        from ..pages.render import json

        text = json.dump_derivation(run, view, element, checks, levels, full)
        return output.write(text, style, passed)
    return output.show(walkthrough, style, passed)
