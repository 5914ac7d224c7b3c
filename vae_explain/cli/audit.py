"""`vae-explain audit`: what is wrong with this VAE's loss, with numbers as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import output
from .errors import ExitCode, Problem, unknown_name
from .job import Job, refuse
from .names import completing
from .options import Options, with_options

if TYPE_CHECKING:
    from ..engine.run import Recordings

IDS = (
    "not-finite", "loss-scale", "loss-scale-mismatch", "kl-sign", "kl-form", "sampling-scale",
    "noise-detached", "negative-scale", "broadcast-loss", "posterior-collapse", "dead-units",
    "saturation", "no-gradient", "nothing-learns", "unused-sample", "latent-without-kl", "noise",
    "head-range", "output-range", "row-mixing", "discrete-kl", "codebook", "mode",
)  # fmt: skip


def _ids(option: str, given: list[str] | None) -> list[str]:
    for name in given or ():
        if name not in IDS:
            raise unknown_name(option, name, "finding", IDS)
    return list(given or ())


@with_options
def audit(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Look for this alone; may be repeated.",
            autocompletion=completing(IDS),
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID",
            help="Leave this out; may be repeated.",
            autocompletion=completing(IDS),
        ),
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    style = options.style()
    chosen, left_out = _ids("--only", only), _ids("--ignore", ignore)
    if not [name for name in chosen or IDS if name not in left_out]:
        raise Problem("--ignore", ", ".join(left_out), "nothing is left to look for")
    refuse(options, "audit", "arithmetic")
    job = Job(options, style, "full")

    from ..analysis.audit import ALL
    from ..analysis.audit import audit as run_audit
    from ..pages.walkthrough import auditing as page

    report = run_audit(_recordings(job), ALL, chosen, left_out)
    passed = report.passed and job.agrees
    if style.format == "json":
        from ..pages.render import reports

        return output.write(reports.dump_audit(report), style, passed)
    return output.show(page.auditing(report), style, passed)


def _recordings(job: Job) -> Recordings:
    """Return the run, and the same under other conditions where there is a model to run."""
    if job.recorded:
        from ..engine.run import Recordings

        return Recordings(job.recorded_run("full"))
    from .. import pipeline

    if job.style.record:
        job.keep()
    return pipeline.recordings(job.request)
