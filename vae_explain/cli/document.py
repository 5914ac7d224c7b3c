"""`vae-explain document`: the whole walkthrough as a document of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from . import output, parsing
from .errors import ExitCode, Problem
from .job import Job
from .options import (
    LARGEST_RATE,
    Options,
    file_to_write,
    output_option,
    style,
    with_options,
)

if TYPE_CHECKING:
    from ..engine.run import Run
    from ..models.prepared_model import RunWithModel
    from ..models.request import Request
    from ..pages.blocks import Checks, Walkthrough

Writer = Callable[["Walkthrough", str, "int | None"], str]


class Written(NamedTuple):
    """A format that blocks are written in.

    Attributes
    ----------
    suffix
        What its files end with.
    load
        Loads the file of `render/` and returns what writes there: it gets the walkthrough,
        the picture and the decimals that were asked for, and returns the text.
    picture
        What it takes the picture as: the SVG to put `inside`, or the name of the file
        `beside` it.
    """

    suffix: str
    load: Callable[[], Writer]
    picture: Literal["inside", "beside"]


def _markdown() -> Writer:
    from ..pages.render import markdown

    return markdown.write


def _html() -> Writer:
    from ..pages.render.html import document

    return document.write


def _latex() -> Writer:
    from ..pages.render import latex_document

    return latex_document.write


def _notebook() -> Writer:
    from ..pages.render import notebook

    return notebook.write


FORMATS = {
    "markdown": Written(".md", _markdown, "beside"),
    "html": Written(".html", _html, "inside"),
    "latex": Written(".tex", _latex, "inside"),
    "notebook": Written(".ipynb", _notebook, "inside"),
}
JSON = "json"
NAMES = (*FORMATS, JSON)
SUFFIXES = {".md": "markdown", ".markdown": "markdown", ".json": JSON} | {
    written.suffix: name for name, written in FORMATS.items()
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
    text = written(name, page, ran.run, composed.checks, picture, how.digits)
    code = output.write(text, how, composed.passed)
    if not composed.passed:
        sys.stderr.write(
            "vae-explain: note: a check failed; the document marks where, and says what was off\n"
        )
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
        sys.stderr.write(
            "vae-explain: note: the model does not run on rounded numbers in float64 "
            f"({reason}); the document has PyTorch's own float32 numbers\n"
        )
        return request, ran


def written(
    name: str,
    page: Walkthrough,
    run: Run,
    checks: Checks,
    picture: Path | None,
    digits: int | None,
) -> str:
    """Return the document in a format."""
    if name == JSON:
        from ..pages.render import json

        return json.dump(run, "document", checks)
    how = FORMATS[name]
    write = how.load()
    if how.picture == "beside":
        return write(page, picture.name if picture else "", digits)
    from ..pages.render import diagram

    return write(page, diagram.picture_of(page), digits)


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
    if path is None or name == JSON or FORMATS[name].picture == "inside":
        return None
    beside = path.with_suffix(".svg")
    if beside == path:
        raise Problem("--output", path, "the picture goes there; name the text another way")
    return file_to_write("--output", beside)
