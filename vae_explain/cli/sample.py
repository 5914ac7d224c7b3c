"""`vae-explain sample`: the same model and input under many draws of ε."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from . import output, parsing
from .errors import ExitCode
from .job import Job
from .options import Options, with_options

MOST_DRAWS = 1_000_000


@with_options
def sample(
    draws: Annotated[
        str, typer.Option(metavar="INTEGER", help="How many draws of the noise.")
    ] = "100",
    *,
    options: Options,
) -> None:
    """Show what the numbers and gradients do over many draws of the noise."""
    style = options.style()
    count = parsing.whole("--draws", draws, 2, MOST_DRAWS, "a number of draws")
    job = Job(options, "full")
    job.refuse("sample", "eps")
    own = job.own_request() if job.own else None
    request = None if own else job.built_in_request()

    from .. import pipeline
    from ..analysis import monte_carlo
    from ..analysis.noise_stream import draws as noise_of
    from ..analysis.noise_stream import run_and_draws
    from ..pages.render import terminal
    from ..pages.walkthrough import sampling as page

    noise: Iterable[Any]
    if own is not None:
        run, noise = run_and_draws(own, count)
    else:
        assert request is not None, "one of the two"
        run, noise = pipeline.run(request), noise_of(request, count)
    averaged = job.architecture.reduction == "mean"
    with terminal.progress(count, "drawing", sys.stderr) as report:
        found = monte_carlo.sample(run, noise, report, averaged, divergence=own is None)
    if style.format == "json":
        from ..pages.render import reports

        output.write(reports.dump_sample(found), style)
    else:
        output.show_page(page.sampling(found), style)
    raise typer.Exit(ExitCode.OK if found.first.passed else ExitCode.CHECK_FAILED)
