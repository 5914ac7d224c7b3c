"""`vae-explain sample`: the same model and input under many draws of ε."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from . import options, output, parsing
from .options import ArithmeticOption, Digits, FormatOption, Output, Seed, X
from .problems import ExitCode, Problem

MOST_DRAWS = 1_000_000


def sample(
    x: X = None,
    seed: Seed = "42",
    draws: Annotated[
        str, typer.Option(metavar="INTEGER", help="How many draws of the noise.")
    ] = "100",
    # Taken and refused: who knows it from the other commands gets told why.
    eps: Annotated[list[str] | None, typer.Option("--eps", hidden=True)] = None,
    arithmetic: ArithmeticOption = None,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Show what the numbers and gradients do over many draws of the noise."""
    style = options.style(format, output_file, digits)
    count = parsing.whole("--draws", draws, 2, MOST_DRAWS, "a number of draws")
    if eps:
        raise Problem(
            "--eps", " ".join(eps), "sample draws its own noise; leave it out, or ask forward"
        )
    request = options.request(x, seed, None, arithmetic, default="full")

    from .. import pipeline, sampling
    from ..render import json, terminal
    from ..walkthrough import sampling as page

    run = pipeline.run(request)
    noise = pipeline.draws(request, count)
    averaged = request.architecture.reduction == "mean"
    with terminal.progress(count, "drawing", sys.stderr) as report:
        found = sampling.sample(run, noise, report, averaged)
    if style.format == "json":
        output.write(json.dump_sample(found), style)
    else:
        output.show_page(page.sampling(found), style)
    raise typer.Exit(ExitCode.OK if found.first.passed else ExitCode.CHECK_FAILED)
