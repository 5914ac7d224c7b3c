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
            autocompletion=names.complete_target,
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
    """Show where one number comes from, down to inputs, parameters and noise."""
    style = options.style()
    levels = None if depth is None else parsing.whole("--depth", depth, 0, 1000, "a depth")
    plain = target.split("[")[0].strip()
    job = Job(options, "full" if plain.endswith(".grad") else "printed")
    meant = None
    if job.architecture:
        meant = names.target_of(target, term, job.rows, job.architecture)

    from ..engine.provenance import Provenance, Target
    from ..pages.walkthrough import why as page

    run = job.run()
    view = Provenance(run)
    if meant is None:
        meant = names.known_target(target, term, run)
    number = run.value(meant.name).id
    index = meant.index
    chosen = index is None and len(run.value(meant.name).shape) > 0
    if index is None:
        index = view.most_interesting(number, meant.gradient, term)
    found = Target(number, index, meant.gradient, term)
    walkthrough, checks = page.why(run, found, chosen=chosen, depth=levels, full=full)
    if style.format == "json":
        from ..pages.render import json

        text = json.dump_derivation(run, view, found, checks, levels, full)
        return output.write(text, style, not checks.failed)
    return output.show(walkthrough, style, not checks.failed)
