"""`vae-explain why`: where one number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from ...models.builtin_config import BUILT_IN
from ...models.spelled_names import asks_gradient
from .. import names, output, parsing
from ..declared import own_option
from ..errors import ExitCode, Problem
from ..job import Job
from ..options import Options
from ..shared_options import with_options


@with_options
def why(
    target: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET",
            help="A value or a gradient, with an index: z 0, recon_x 2, fc1.weight.grad 0 1; "
            'or as pages write it: "z[0]", "fc1.weight.grad[0,1]", "∂loss/∂z[0]".',
            autocompletion=names.completing(names.TARGETS),
        ),
    ] = None,
    term: Annotated[
        str | None,
        own_option("NAME", "Explain the gradient of only one term of the loss: mse or kl."),
    ] = None,
    depth: Annotated[
        str | None,
        own_option("N", "How many levels to go down.  [default: as many as fit on a screen]"),
    ] = None,
    full: Annotated[
        bool, own_option.switch("Go all the way down to inputs, parameters and noise.", "--full")
    ] = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    levels = None if depth is None else parsing.whole("--depth", depth, 0, 1000, "a depth")
    if not target:
        raise Problem("TARGET", None, "say which number, such as vae-explain why z 0")
    text = " ".join(target)
    is_gradient = asks_gradient(text, ("x", *BUILT_IN.parameters, *BUILT_IN.steps))
    job = Job(options, style, "full" if is_gradient else "printed")
    if architecture := job.architecture:
        names.target_of(text, term, architecture, lambda name: architecture.shape(name, job.rows))
    job.load_ahead()

    from ...engine.provenance import Provenance
    from ...pages.walkthrough import why as page

    run = job.run(finite=False)
    view = Provenance(run)
    place = names.target_of(text, term, run, lambda name: run.value(run.known_as(name)).shape)
    name = run.known_as(place.name)
    element = view.target(name, place.gradient, place.element, place.term)
    chosen = place.element is None and run.value(name).shape != ()
    other = None if style.format == "json" else job.other_run()
    walkthrough, checks = page.why(
        run, element, chosen=chosen, depth=levels, full=full, other=other
    )
    passed = not checks.failed and job.agrees and run.is_finite
    if style.format == "json":
        from ...pages.render.structured import json

        text = json.dump_derivation(run, view, element, checks, levels, full)
        return output.write(text, style, passed)
    return output.show(walkthrough, style, passed)
