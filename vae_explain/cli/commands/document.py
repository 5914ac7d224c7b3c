"""`vae-explain document`: the whole walkthrough as a document of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

from ...pages.document_formats import FORMATS, mark_of_picture, write
from .. import output, parsing, torch_library
from ..declared import output_option, own_option
from ..errors import ExitCode, Problem
from ..files import OutputFile
from ..job import Job
from ..messages import say
from ..options import Options
from ..shared_options import with_options
from ..style import Formats

if TYPE_CHECKING:
    from ...engine.run import Run
    from ...models.prepared_model import RunWithModel
    from ...models.request import Request
    from ...pages.display import DocumentPage

JSON, WORKBOOK, PRINTED = "json", "xlsx", ("pdf", "png")
NAMES = (*FORMATS, *PRINTED, WORKBOOK, JSON)
ENDINGS: Formats = {name: each.suffixes for name, each in FORMATS.items()} | {
    **{name: (f".{name}",) for name in (*PRINTED, WORKBOOK)},
    JSON: (".json",),
}


@with_options
def document(
    format: Annotated[
        str | None,
        output_option(
            "NAME",
            f"{', '.join(NAMES[:-1])} or {NAMES[-1]}.  "
            "[default: from the extension of FILE, else markdown]",
            "--format",
        ),
    ] = None,
    lr: Annotated[
        str, own_option("NUMBER", "Learning rate of the update step that is shown.", "--lr")
    ] = "0.01",
    short: Annotated[
        bool,
        output_option.switch(
            "Two printed pages: the main results, and one line per step.", "--short"
        ),
    ] = False,
    *,
    options: Options,
) -> ExitCode:
    how = replace(options, format=format).style(ENDINGS)
    name, target = how.format, how.output
    job = Job(options, how, "printed", of_own="printed")
    rate = parsing.learning_rate(lr)
    picture, mark = None, ""
    if name in (WORKBOOK, *PRINTED) and target is None:
        raise Problem(
            "--format", name, f"it is not text; name a file for it, such as -o walkthrough.{name}"
        )
    if name == WORKBOOK:
        _require_workbook(target)
    has_picture = name in FORMATS and FORMATS[name].picture == "beside"
    if has_picture and target is not None and not target.is_special:
        mark = mark_of_picture(target.shown.name)
        picture = how.files.name_beside(target, ".svg", mark)

    from ...pages.reading_level import for_reader, in_short

    run, composed = composed_by(job, rate)
    page = for_reader(composed.walkthrough, how.level, how.verbose)
    page = in_short(page) if short else page
    passed = composed.passed and job.agrees
    if picture is not None:
        from ...pages.render import diagram

        if drawn := diagram.picture_of(page, mark):
            how.files.put(picture, drawn)
        else:  # the map of a large model stands in its place
            picture = None
    text: str | bytes | Iterator[str]
    if name == JSON:
        from ...pages.render.structured import json

        text = json.dump(run, "document", composed.checks)
    elif name == WORKBOOK:
        from ...pages.render import workbook

        moved = None if isinstance(composed.moved, str) else composed.moved
        text = workbook.write(run, moved)
    elif name in PRINTED:
        from ...pages.render.printed import printed

        text = printed(write("html", page, how.digits), "pdf" if name == "pdf" else "png")
    else:
        text = write(name, page, how.digits, picture.shown.name if picture else "")
    code = output.write(text, how, passed)
    if not composed.step_done:
        say("note: the update step overflows, as the document says; try a smaller --lr")
    elif not composed.passed:
        say("note: a check failed; the document marks where, and says what was off")
    return code


def composed_by(
    job: Job, rate: float, beside: bool = True, seen: Callable[[Run], None] = lambda run: None
) -> tuple[Run, DocumentPage]:
    """Return what is run, or was recorded, and its document with one step of learning.

    Parameters
    ----------
    beside
        Whether gradients are said beside that have other digits in the other arithmetic.
    seen
        Called with the run, before its document is made.
    """
    if not job.recorded:
        torch_library.load_ahead()

    from ...pages import build_document

    if job.recorded:
        run = job.run()
        seen(run)
        other = job.other_run() if beside else None
        return run, build_document.composed_from(run, job.architecture, rate, other)
    request, ran = _run(job)
    seen(ran.run)
    return ran.run, build_document.composed(request, ran, rate, beside)


def _run(job: Job) -> tuple[Request, RunWithModel]:
    """Run the model; one that cannot run in float64 in PyTorch's own arithmetic instead."""
    from ... import pipeline
    from ...models.loading.user_code import CannotRun

    request = job.request
    if job.style.record:
        job.keep()
    try:
        return request, pipeline.run_with_model(request)
    except CannotRun as reason:
        if request.arithmetic == "full" or job.options.arithmetic is not None:
            raise
        request = replace(request, arithmetic="full")
        ran = pipeline.run_with_model(request)
        say(
            f"note: the model does not run on rounded numbers in float64 ({reason}); "
            "the document has PyTorch's own float32 numbers"
        )
        return request, ran


def _require_workbook(target: OutputFile | None) -> None:
    """Check that there is what writes a workbook."""
    if target is not None and find_spec("xlsxwriter") is None:
        mend = "a workbook needs XlsxWriter; install it with: pip install 'vae-explain[xlsx]'"
        raise Problem("--output", target.shown, mend)
