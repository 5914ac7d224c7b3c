"""`vae-explain sample`: the same model and input under many draws of ε."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from .. import output, parsing
from ..declared import own_option
from ..errors import ExitCode
from ..job import Job
from ..options import Options
from ..shared_options import with_options, without
from ..streams import message_stream

MOST_DRAWS = 1_000_000


@partial(with_options, refused=without("sample", "run", "eps"))
def sample(
    draws: Annotated[
        str | None,
        own_option(
            "INTEGER",
            "Number of draws of the noise.  [default: 100, or fewer for a model that takes long]",
        ),
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    count = None
    if draws is not None:
        count = parsing.whole("--draws", draws, 2, MOST_DRAWS, "a number of draws")
    job = Job(options, style, "full")
    request = job.request
    if style.record:
        job.keep()

    from ...analysis.noise_stream import USUAL_DRAWS, sampled
    from ...pages.render.terminal import terminal
    from ...pages.walkthrough import sampling as page

    with terminal.progress(count or USUAL_DRAWS[0], "drawing", message_stream()) as report:
        result = sampled(request, count, report)
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_sample(result), style, result.first.passed)
    return output.show(page.sampling(result), style, result.first.passed)
