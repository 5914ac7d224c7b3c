"""`vae-explain check`: this run's gradients against three independent oracles."""

from __future__ import annotations

from functools import partial

from .. import output
from ..errors import ExitCode
from ..job import Job
from ..options import Options
from ..shared_options import with_options, without


@partial(with_options, refused=without("check", "run"))
def check(*, options: Options) -> ExitCode:
    style = options.style()
    job = Job(options, style, "full")

    from ...pages.build_document import checked
    from ...pages.walkthrough import checking as page

    if style.record and not job.architecture:
        job.keep()
    result = checked(job.request, job.run() if job.architecture else None)
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_check(result), style, result.passed)
    return output.show(page.checking(result), style, result.passed)
