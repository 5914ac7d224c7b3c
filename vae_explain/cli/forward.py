"""`vae-explain forward`: the forward pass, step by step."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options, output
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


def forward(
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    arithmetic: ArithmeticOption = None,
    step: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Show this step alone, every line in full; may be repeated.",
            autocompletion=options.complete_step,
            show_default=False,
        ),
    ] = None,
    latex: Latex = False,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Show the whole forward pass, from x to the loss."""
    style = options.style(format, output_file, digits)
    names = options.step_names(step)
    request = options.request(x, seed, eps, arithmetic, default="printed")

    from .. import pipeline
    from ..render import json
    from ..walkthrough import forward as page

    run = pipeline.run(request)
    walkthrough, checks = page.forward(run, names, latex)
    if style.format == "json":
        output.write(json.dump(run, "forward", checks, names), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
