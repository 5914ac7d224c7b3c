"""`vae-explain update`: what one step of gradient descent does."""

from __future__ import annotations

import typer

from . import options, output, parsing
from .options import Digits, Eps, FormatOption, LearningRate, Output, Parameters, Seed, X
from .problems import ExitCode


def update(
    x: X = None,
    seed: Seed = "42",
    eps: Eps = None,
    lr: LearningRate = "0.01",
    param: Parameters = None,
    format: FormatOption = "text",
    output_file: Output = None,
    digits: Digits = None,
) -> None:
    """Take one step of gradient descent and show what it does."""
    style = options.style(format, output_file, digits)
    names = options.parameter_names(param)
    rate = parsing.positive("--lr", lr, options.LARGEST_RATE, "a learning rate")
    request = options.request(x, seed, eps, "full", default="full")

    from .. import training
    from ..render import json
    from ..walkthrough import update as page

    found = training.update(request, rate)
    walkthrough, checks = page.update(found, request.architecture.parameters, names)
    if style.format == "json":
        output.write(json.dump_update(found, checks), style)
    else:
        output.show_page(walkthrough, style)
    raise typer.Exit(output.code(checks) if found.finite else ExitCode.CHECK_FAILED)
