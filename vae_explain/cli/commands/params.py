"""`vae-explain params`: the architecture, and all weights and biases."""

from __future__ import annotations

from .. import names, output
from ..errors import ExitCode, Problem
from ..job import Job
from ..options import WEIGHT_FILES, Options, SaveWeights
from ..shared_options import with_options


@with_options
def params(
    name: names.ParameterNames = None, save: SaveWeights = None, *, options: Options
) -> ExitCode:
    style = options.style()
    if save and options.run:
        mend = "a recording has the numbers of a run, not the model's whole state"
        raise Problem("--save", save, f"{mend}; give the model instead of --run")
    job = Job(options, style, "printed")
    weights = style.files.name("--save", save, WEIGHT_FILES) if save else None

    typed = names.typed(name, "NAME", None)
    if job.architecture:
        names.parameter_names(typed, job.architecture.parameters)
    job.load_ahead()

    from ...pages.walkthrough import parameters as page

    run = job.run()
    parameters = [value.name for value in run.trace.parameters if value.name]
    chosen = names.parameter_names(typed, parameters)
    written = []
    if weights is not None:
        from ... import pipeline

        # As PyTorch has them, whatever the page rounds: they are to be loaded again.
        output.put_weights(weights, pipeline.weights_of(job.request), style)
        written.append(f"The weights, unrounded, are in {weights.shown}; load them with --weights.")
    walkthrough, checks = page.parameters(run, job.architecture, written, chosen)
    passed = not checks.failed and job.agrees
    if style.format == "json":
        from ...pages.render.structured import json

        return output.write(json.dump(run, "params", checks), style, passed)
    return output.show(walkthrough, style, passed)
