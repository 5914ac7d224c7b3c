"""`vae-explain why`: where one number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options, output, parsing
from .options import ArithmeticOption, Digits, Eps, FormatOption, Output, Seed, X
from .problems import Problem


def why(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A value or a gradient, with an index: z[0], recon_x[2], fc1.weight.grad[0,1].",
            autocompletion=options.complete_target,
            show_default=False,
        ),
    ],
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    arithmetic: ArithmeticOption = None,
    term: Annotated[
        str | None,
        typer.Option(
            metavar="mse|kl",
            help="Explain the gradient of one term of the loss.",
            show_default=False,
        ),
    ] = None,
    depth: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="How many levels down; as many as fit a screen by default.",
            show_default=False,
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Down to what was given.")] = False,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Show where one number comes from, down to inputs, parameters and noise."""
    style = options.style(format, output_file, digits)
    levels = None if depth is None else parsing.whole("--depth", depth, 0, 1000, "a depth")
    name, gradient, index = options.target(target, len(x) if x else 1)
    if term is not None:
        parsing.choice("--term", term, ("mse", "kl"))
        if not gradient:
            raise Problem("--term", term, f"only a gradient has terms; ask for {name}.grad")
        options.require_reached(term, [name])
    request = options.request(x, seed, eps, arithmetic, default="full" if gradient else "printed")

    from .. import pipeline
    from ..provenance import Provenance, Target
    from ..render import json
    from ..walkthrough import why as page

    run = pipeline.run(request)
    number = run.value(name).id
    view = Provenance(run)
    found = index if index is not None else view.most_interesting(number, gradient, term)
    chosen = index is None and len(run.value(name).shape) > 0
    meant = Target(number, found, gradient, term)
    walkthrough, checks = page.why(run, meant, chosen=chosen, depth=levels, full=full)
    if style.format == "json":
        output.write(json.dump_derivation(run, view, meant, checks, levels, full), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
