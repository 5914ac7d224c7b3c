"""`vae-explain params`: the architecture, and all weights and biases."""

from __future__ import annotations

import typer

from . import options, output
from .options import ArithmeticOption, Digits, Eps, FormatOption, Output, Seed, X


def params(
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    arithmetic: ArithmeticOption = None,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Show the architecture, and all weights and biases."""
    style = options.style(format, output_file, digits)
    request = options.request(x, seed, eps, arithmetic, default="printed")

    from .. import pipeline
    from ..render import json
    from ..walkthrough import parameters as page

    run = pipeline.run(request)
    walkthrough, checks = page.parameters(run, request.architecture)
    if style.format == "json":
        output.write(json.dump(run, "params", checks), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
