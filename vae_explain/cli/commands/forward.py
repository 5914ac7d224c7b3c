"""`vae-explain forward`: the forward pass, step by step."""

from __future__ import annotations

from typing import Annotated

from .. import names, output
from ..declared import own_option
from ..errors import ExitCode
from ..job import Job
from ..options import Latex, Options
from ..shared_options import with_options


@with_options
def forward(
    name: names.Steps = None,
    step: Annotated[
        list[str] | None, own_option("NAME", "Same as NAME; may be repeated.", choices=names.STEPS)
    ] = None,
    latex: Latex = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    job = Job(options, style, "printed")
    typed = names.typed(name, "--step", step)
    if job.architecture:
        names.step_names(typed, job.architecture)
    job.load_ahead()

    from ...pages.walkthrough import forward as page

    run = job.run(finite=False)
    chosen = names.step_names(typed, run)
    walkthrough, checks = page.forward(run, chosen, latex)
    passed = not checks.failed and job.agrees and run.is_finite
    if style.format == "json":
        from ...pages.render.structured import json

        return output.write(json.dump(run, "forward", checks, chosen), style, passed)
    return output.show(walkthrough, style, passed)
