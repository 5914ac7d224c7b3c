"""`vae-explain update`: what one step of gradient descent does."""

from __future__ import annotations

from . import names, output, parsing
from .errors import ExitCode
from .job import Job
from .options import LARGEST_RATE, LearningRate, Options, Parameters, with_options


@with_options
def update(
    lr: LearningRate = "0.01",
    param: Parameters = None,
    *,
    options: Options,
) -> ExitCode:
    """Take one step of gradient descent and show what it does."""
    style = options.style()
    job = Job(options, "full")
    job.refuse("update", "arithmetic")
    chosen = names.parameter_names(param, job.architecture)
    rate = parsing.positive("--lr", lr, LARGEST_RATE, "a learning rate")
    request = job.request

    from ..analysis import training
    from ..pages.walkthrough import update as page

    found = training.update(request, rate)
    parameters = list(found.step.after)
    names.require_parameters(chosen, parameters)
    walkthrough, checks = page.update(found, parameters, chosen)
    passed = found.finite and not checks.failed
    if style.format == "json":
        from ..pages.render import reports

        return output.write(reports.dump_update(found, checks), style, passed)
    return output.show(walkthrough, style, passed)
