"""`vae-explain play`: the document as a page in the browser, whose numbers can be changed."""

from __future__ import annotations

import shlex
import tempfile
import webbrowser
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...symbolic.printable import printable
from .. import parsing
from ..declared import own_option
from ..errors import ExitCode
from ..job import Job
from ..messages import say
from ..options import LearningRate, Options
from ..shared_options import with_options
from ..streams import page_stream
from .document import composed_by

if TYPE_CHECKING:
    from ...engine.run import Run

# What the page says itself, or what is of no account for the run.
SAID_BY_THE_PAGE = {
    "x", "x_file", "eps", "set", "beta", "output_file", "format", "json", "color", "no_pager",
    "no_cache", "record",
}  # fmt: skip

ALWAYS_HTML = "a page to play with is always HTML; leave it out (document has the numbers as JSON)"


@partial(with_options, refused=dict.fromkeys(("format", "json"), ALWAYS_HTML))
def play(
    lr: LearningRate = "0.01",
    no_open: Annotated[
        bool, own_option.switch("Write the page, and do not open the browser.", "--no-open")
    ] = False,
    *,
    options: Options,
) -> ExitCode:
    style = options.style({"html": (".html",)})
    job = Job(options, style, "printed", of_own="printed")
    rate = parsing.learning_rate(lr)
    from ...pages import build_document

    what = "--run" if job.recorded else "--model" if options.model else "--dims"

    def say_what_stays(run: Run) -> None:
        if stays := build_document.what_stays(run, what):
            say(f"note: {stays}")

    run, composed = composed_by(job, rate, beside=False, seen=say_what_stays)
    text = build_document.live(
        composed,
        run,
        None if job.recorded else job.request,
        job.architecture,
        rate,
        digits=style.digits,
        command=_command(options),
        typed=_typed(options),
    )
    target = style.output or style.files.name("--output", Path(_folder(), "play.html"))
    style.files.put(target, text)
    style.files.write()
    page_stream().write(f"{printable(str(target.path))}\n")
    if not no_open and not target.is_special and not webbrowser.open(target.path.as_uri()):
        say("note: no browser could be opened; open the file in one yourself")
    return ExitCode.OK if composed.passed and job.agrees else ExitCode.CHECK_FAILED


def _folder() -> str:
    """Return a folder of its own for a page that nobody named a file for."""
    return tempfile.mkdtemp(prefix="vae-explain-")


def _command(options: Options) -> str:
    """Return the command that runs the same model, without what the page may change."""
    words = chain.from_iterable(options.as_typed(SAID_BY_THE_PAGE))
    return shlex.join(["vae-explain", "document", *words])


def _typed(options: Options) -> dict[str, list[str]]:
    """Return what was typed for the numbers that the page may change, as words of a command."""
    typed = {}
    for name in ("x", "eps", "set"):
        values = getattr(options, name) or []
        typed[name] = [shlex.join([f"--{name}", value]) for value in values]
    if options.x_file is not None:
        typed["x"] = [shlex.join(["--x-file", str(options.x_file)])]
    return typed
