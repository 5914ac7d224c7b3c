"""`vae-explain params`: the architecture, and all weights and biases."""

from __future__ import annotations

import typer

from . import output
from .job import Job
from .options import (
    WEIGHT_FILES,
    Options,
    SaveWeights,
    file_to_write,
    require_apart,
    with_options,
)


@with_options
def params(
    save: SaveWeights = None,
    *,
    options: Options,
) -> None:
    """Show the architecture, and all weights and biases."""
    style = options.style()
    job = Job(options, "printed")
    weights = file_to_write("--save", save, WEIGHT_FILES) if save else None
    require_apart(style, save=weights)

    from ..pages.walkthrough import parameters as page

    run = job.run()
    written = []
    if weights is not None:
        from .. import pipeline

        # As PyTorch has them, whatever the page rounds: they are to be loaded again.
        state = pipeline.weights_of(job.request())
        output.write_whole(weights, pipeline.weight_file(state, weights.suffix), "--save")
        written.append(f"The weights, unrounded, are in {weights}; --weights reads them again.")
    walkthrough, checks = page.parameters(run, None if job.own else job.architecture, written)
    if style.format == "json":
        from ..pages.render import json

        output.write(json.dump(run, "params", checks), style)
        raise typer.Exit(output.code(checks))
    raise typer.Exit(output.show(walkthrough, checks, style))
