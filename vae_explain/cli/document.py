"""`vae-explain document`: the whole walkthrough as a document of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..pages.document_formats import FORMATS, write
from . import output, parsing
from .errors import ExitCode, Problem
from .job import Job
from .messages import say
from .options import (
    LARGEST_RATE,
    Options,
    file_to_write,
    output_option,
    style,
    with_options,
)

if TYPE_CHECKING:
    from ..models.prepared_model import RunWithModel
    from ..models.request import Request

JSON = "json"
NAMES = (*FORMATS, JSON)
SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".json": JSON} | {
    each.suffix: name for name, each in FORMATS.items()
}


@with_options
def document(
    format: Annotated[
        str | None,
        output_option(
            "--format",
            metavar="NAME",
            help=f"{', '.join(NAMES[:-1])} or {NAMES[-1]}.  "
            "[default: what FILE ends with, else markdown]",
        ),
    ] = None,
    lr: Annotated[
        str, typer.Option("--lr", metavar="NUMBER", help="Learning rate of the step it shows.")
    ] = "0.01",
    *,
    options: Options,
) -> ExitCode:
    """Write the whole walkthrough as a document."""
    name = chosen_format(format, options.output_file)
    how = style("text", options.output_file, options.digits)
    job = Job(options, "printed", of_own="printed")
    rate = parsing.positive("--lr", lr, LARGEST_RATE, "a learning rate")
    picture = picture_beside(name, how.output)

    from ..pages import build_document

    request, ran = _run(job)
    composed = build_document.composed(request, ran, rate)
    page = composed.walkthrough
    if picture is not None:
        from ..pages.render import diagram

        output.write_whole(picture, diagram.picture_of(page))
    if name == JSON:
        from ..pages.render import json

        text = json.dump(ran.run, "document", composed.checks)
    else:
        text = write(name, page, how.digits, picture.name if picture else "")
    code = output.write(text, how, composed.passed)
    if not composed.passed:
        say("note: a check failed; the document marks where, and says what was off")
    return code


def _run(job: Job) -> tuple[Request, RunWithModel]:
    """Run the model; one that cannot run in float64 in PyTorch's own arithmetic instead."""
    from .. import pipeline
    from ..models.user_code import CannotRun

    request = job.request
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


def chosen_format(given: str | None, path: Path | None) -> str:
    """Return the format that was asked for, or that a file's name means."""
    if given is not None:
        parsing.choice("--format", given, NAMES)
        return given
    if path is None:
        return "markdown"
    found = SUFFIXES.get(path.suffix.lower())
    if found is None:
        endings = ", ".join(dict.fromkeys(SUFFIXES))
        raise Problem("--output", path, f"name a file that ends with {endings}, or add --format")
    return found


def picture_beside(name: str, path: Path | None) -> Path | None:
    """Return the file that gets the picture, for a format that cannot hold one."""
    if path is None or name == JSON or FORMATS[name].picture != "beside":
        return None
    beside = path.with_suffix(".svg")
    if beside == path:
        raise Problem("--output", path, "the picture goes there; name the text another way")
    return file_to_write("--output", beside)
