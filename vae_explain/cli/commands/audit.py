"""`vae-explain audit`: what is wrong with this VAE's loss, with numbers as evidence."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ... import __version__
from ...analysis.audit.rules.ids import IDS
from .. import other_words, output
from ..declared import own_option
from ..errors import ExitCode, Problem, unknown_name
from ..job import Job
from ..options import Options
from ..shared_options import with_options, without

if TYPE_CHECKING:
    from ...analysis.audit.report import Report
    from ...engine.run import Recordings

LARGEST = 16 * 2**20  # bytes of a baseline; an audit of hundreds of findings has a hundredth


def _ids(option: str, given: list[str] | None) -> list[str]:
    chosen = [(name, other_words.choice_of(name, IDS)) for name in given or ()]
    for name, meant in chosen:
        if meant is None:
            raise unknown_name(option, name, "finding", IDS)
    return [meant for _, meant in chosen if meant is not None]


@partial(with_options, refused=without("audit", "arithmetic"))
def audit(
    only: Annotated[
        list[str] | None,
        own_option(
            "ID", f"Look only for this; may be repeated. One of {', '.join(IDS)}.", choices=IDS
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, own_option("ID", "Do not look for this; may be repeated.", choices=IDS)
    ] = None,
    strict: Annotated[
        bool,
        own_option.switch(
            "Fail also on warnings, and on a run without sampling or KL.", "--strict"
        ),
    ] = False,
    baseline: Annotated[
        Path | None,
        own_option(
            "FILE.json", "Fail only on findings that an earlier audit (JSON) does not have."
        ),
    ] = None,
    junit: Annotated[
        Path | None, own_option("FILE.xml", "Also write the findings as JUnit XML.")
    ] = None,
    sarif: Annotated[
        Path | None, own_option("FILE.sarif", "Also write the findings as SARIF 2.1.0.")
    ] = None,
    list_rules: Annotated[
        bool, own_option.switch("List the ids of all findings, and run nothing.", "--list")
    ] = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style(reads={"--baseline": baseline})
    chosen, left_out = _ids("--only", only), _ids("--ignore", ignore)
    if not [name for name in chosen or IDS if name not in left_out]:
        raise Problem("--ignore", ", ".join(left_out), "nothing is left to look for")
    if list_rules:
        from ...analysis.audit.rules.all_rules import ALL
        from ...pages.walkthrough import auditing as page

        if style.format == "json":
            from ...pages.render.structured import reports

            return output.write(reports.dump_rules(ALL), style)
        return output.show(page.listing(ALL), style)
    written = {"--junit": junit, "--sarif": sarif}
    targets = {o: style.files.name(o, path) for o, path in written.items() if path is not None}
    earlier = _read(baseline)
    job = Job(options, style, "full", in_two_runs=True)

    from ...analysis.audit.baseline import fingerprints
    from ...analysis.audit.report import audit as run_audit
    from ...analysis.audit.rules.all_rules import ALL
    from ...pages.walkthrough import auditing as page

    known = frozenset() if earlier is None else fingerprints(earlier)
    report = run_audit(_recordings(job), ALL, chosen, left_out, known, strict)
    for option, target in targets.items():
        style.files.put(target, _rendered(option, report, options))
    passed = report.passed and job.agrees
    if style.format == "json":
        from ...pages.render.structured import reports

        return output.write(reports.dump_audit(report), style, passed)
    return output.show(page.auditing(report), style, passed)


def _recordings(job: Job) -> Recordings:
    """Return the run, and the same under other conditions where there is a model to run."""
    if job.recorded:
        from ...engine.run import Recordings

        return Recordings(job.recorded_run("full"))
    from ... import pipeline

    if job.style.record:
        job.keep()
    return pipeline.recordings(job.request)


def _read(baseline: Path | None) -> str | None:
    if baseline is None:
        return None
    file = baseline.expanduser()
    if not file.is_file():
        raise Problem("--baseline", baseline, "there is no such file")
    if file.stat().st_size > LARGEST:
        raise Problem("--baseline", baseline, "it is too large to be an audit")
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Problem("--baseline", baseline, "it cannot be read as text") from None


def _rendered(option: str, report: Report, options: Options) -> str:
    """Return what one of the options writes."""
    from ...pages.render.structured import junit, sarif

    if option == "--junit":
        return junit.dump_audit(report, report.run.label)
    file = (options.model or "vae_explain").partition(":")[0]
    return sarif.dump_audit(report, Path(file).as_posix(), __version__)
