"""`vae-explain update`: what one step of gradient descent does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .. import names, output, parsing
from ..errors import ExitCode
from ..job import Job
from ..options import LearningRate, Options, Parameters
from ..shared_options import with_options, without

if TYPE_CHECKING:
    from ...analysis.training_records import Update


@partial(with_options, refused=without("update", "arithmetic"))
def update(
    name: names.ParameterNames = None,
    lr: LearningRate = "0.01",
    param: Parameters = None,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    job = Job(options, style, "full")
    typed = names.typed(name, "--param", param)
    if job.architecture:
        names.parameter_names(typed, job.architecture.parameters)
    rate = parsing.learning_rate(lr)

    from ...pages.walkthrough import update as page

    step = _updated(job, rate)
    parameters = list(step.step.after)
    chosen = names.parameter_names(typed, parameters)
    walkthrough, checks = page.update(step, parameters, chosen)
    passed = step.finite and not checks.failed and job.agrees
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_update(step, checks), style, passed)
    return output.show(walkthrough, style, passed)


def _updated(job: Job, rate: float) -> Update:
    if job.recorded:
        from ...analysis.replayed_step import gradient_step

        run = job.recorded_run("full")
        run.require_finite()
        return gradient_step(run, rate)
    from ...analysis.gradient_step import first_step

    if job.style.record:
        job.keep()
    return first_step(job.request, rate)
