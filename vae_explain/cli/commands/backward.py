"""`vae-explain backward`: the chain rule down to every parameter, or to one."""

from __future__ import annotations

from typing import Annotated

from .. import names, output
from ..declared import own_option
from ..errors import ExitCode
from ..job import Job
from ..options import Latex, Options
from ..shared_options import with_options


@with_options
def backward(
    name: names.Gradients = None,
    param: Annotated[
        list[str] | None,
        own_option("NAME", "Same as NAME; may be repeated.", choices=names.GRADIENTS),
    ] = None,
    term: Annotated[
        str | None,
        own_option("NAME", "Derive the gradient of only one term of the loss: mse or kl."),
    ] = None,
    latex: Latex = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    job = Job(options, style, "full")
    typed = names.typed(name, "--param", param)
    if job.architecture:
        names.gradient_names(typed, term, job.architecture)
    job.load_ahead()

    from ...pages.walkthrough import backward as page

    run = job.run(finite=False)
    chosen, term = names.gradient_names(typed, term, run)
    other = job.other_run() if chosen and style.format != "json" else None
    walkthrough, checks = page.backward(run, chosen, term, latex, other)
    passed = not checks.failed and job.agrees and run.is_finite
    if style.format == "json":
        from ...pages.render.structured import json

        return output.write(json.dump(run, "backward", checks), style, passed)
    return output.show(walkthrough, style, passed)
