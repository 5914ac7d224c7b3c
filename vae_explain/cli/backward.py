"""`vae-explain backward`: the chain rule down to every parameter, or to one."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options, output, parsing
from .options import (
    ArithmeticOption,
    Digits,
    Eps,
    FormatOption,
    Latex,
    Output,
    Seed,
    X,
)


def backward(
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    arithmetic: ArithmeticOption = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Derive this parameter or value alone, with the chain that leads to it; "
            "may be repeated.",
            autocompletion=options.complete_gradient,
            show_default=False,
        ),
    ] = None,
    term: Annotated[
        str | None,
        typer.Option(
            metavar="mse|kl", help="Derive one term of the loss alone.", show_default=False
        ),
    ] = None,
    latex: Latex = False,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Show the backward pass: every gradient by the chain rule."""
    style = options.style(format, output_file, digits)
    names = options.gradient_names(param)
    if term is not None:
        parsing.choice("--term", term, ("mse", "kl"))
        options.require_reached(term, names)
    request = options.request(x, seed, eps, arithmetic, default="full")

    from .. import pipeline
    from ..render import json
    from ..walkthrough import backward as page

    run = pipeline.run(request)
    walkthrough, checks = page.backward(run, names, term, latex)
    if style.format == "json":
        output.write(json.dump(run, "backward", checks), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
