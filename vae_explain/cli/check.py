"""`vae-explain check`: this run's gradients against three independent oracles."""

from __future__ import annotations

from . import output
from .errors import ExitCode
from .job import Job, refuse
from .options import Options, with_options


@with_options
def check(
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    refuse(options, "check", "run")
    job = Job(options, style, "full")

    from ..analysis import gradient_check
    from ..pages.walkthrough import checking as page

    if job.architecture:
        found = gradient_check.check(job.run(), job.architecture)
    else:
        from ..analysis.finite_differences import run_and_nudge

        if style.record:
            job.keep()
        found = gradient_check.check_own(*run_and_nudge(job.request))
    if style.format == "json":
        from ..pages.render import reports

        return output.write(reports.dump_check(found), style, found.passed)
    return output.show(page.checking(found), style, found.passed)
