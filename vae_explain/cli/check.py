"""`vae-explain check`: this run's gradients against three independent oracles."""

from __future__ import annotations

import typer

from . import options, output
from .options import ArithmeticOption, Digits, Eps, FormatOption, Output, Seed, X
from .problems import ExitCode


def check(
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    arithmetic: ArithmeticOption = None,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Hold every gradient against autograd, complex steps and central differences."""
    style = options.style(format, output_file, digits)
    request = options.request(x, seed, eps, arithmetic, default="full")

    from .. import checking, pipeline
    from ..render import json
    from ..walkthrough import checking as page

    found = checking.check(pipeline.run(request), request.architecture)
    if style.format == "json":
        output.write(json.dump_check(found), style)
    else:
        output.show_page(page.checking(found), style)
    raise typer.Exit(ExitCode.OK if found.passed else ExitCode.CHECK_FAILED)
