"""`vae-explain check`: this run's gradients against three independent oracles."""

from __future__ import annotations

import typer

from . import output
from .errors import ExitCode
from .job import Job
from .options import Options, with_options


@with_options
def check(
    *,
    options: Options,
) -> None:
    """Hold every gradient against autograd, complex steps and central differences."""
    style = options.style()
    job = Job(options, "full")

    from ..analysis import gradient_check
    from ..pages.walkthrough import checking as page

    if job.own:
        from ..analysis.finite_differences import run_and_nudge

        found = gradient_check.check_own(*run_and_nudge(job.own_request()))
    else:
        found = gradient_check.check(job.run(), job.architecture)
    if style.format == "json":
        from ..pages.render import reports

        output.write(reports.dump_check(found), style)
    else:
        output.show_page(page.checking(found), style)
    raise typer.Exit(ExitCode.OK if found.passed else ExitCode.CHECK_FAILED)
