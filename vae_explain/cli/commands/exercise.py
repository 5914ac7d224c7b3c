"""`vae-explain exercise`: worksheets from a run, with a key to mark them by."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from ...pages.worksheet_formats import FORMATS, write
from .. import output, parsing
from ..choices import DIFFICULTIES
from ..declared import file_option, output_option, own_option
from ..errors import ExitCode, Problem
from ..job import Job
from ..messages import say
from ..options import Options
from ..shared_options import with_options
from ..style import Formats, Style

if TYPE_CHECKING:
    from ...analysis.exercise.key import Topic
    from ...analysis.exercise.sheets import Worksheet
    from ...engine.run import Run
    from ..files import OutputFile

TOPICS = ("forward", "gates", "loss", "kl", "chain", "update")
MOST_VARIANTS, MOST_BLANKS = 500, 60
ENDINGS: Formats = {name: each.suffixes for name, each in FORMATS.items()}
EACH = "{}"  # in a name of a file: the number of the sheet


NO_JSON = "sheets have no JSON; their key is JSON, give --key FILE.json"


@partial(with_options, refused={"json": NO_JSON})
def exercise(
    topic: Annotated[str, own_option("NAME,…", f"One or more of {', '.join(TOPICS)}.")] = "all",
    count: Annotated[str, own_option("INTEGER", "Number of blanks on a sheet.")] = "12",
    difficulty: Annotated[
        str,
        own_option.choice(
            DIFFICULTIES,
            "easy: no blank depends on another; medium: some do; hard: most do, and the "
            "formulas of the gradients are left out.",
        ),
    ] = "medium",
    variants: Annotated[
        str,
        own_option(
            "INTEGER",
            "Number of sheets, each with its own seed, x and blanks. They go into one file, "
            "or into one file each if its name has {}, such as sheet-{}.md.",
        ),
    ] = "1",
    nice: Annotated[
        bool, own_option.switch("Use multiples of 1/2 for parameters and noise.", "--nice")
    ] = False,
    lr: Annotated[str, own_option("NUMBER", "Learning rate of the updates.", "--lr")] = "0.1",
    key: Annotated[
        Path | None,
        file_option("KEY.json", "The file to write the answer key to; mark needs it.", "--key"),
    ] = None,
    format: Annotated[
        str | None,
        output_option(
            "NAME",
            f"{', '.join(FORMATS)}.  [default: from the extension of FILE, else md]",
            "--format",
        ),
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    style = replace(options, format=format).style(ENDINGS)
    topics = _topics(topic)
    chosen = parsing.choice("--difficulty", difficulty, DIFFICULTIES)
    blanks = parsing.whole("--count", count, 1, MOST_BLANKS, "a number of blanks")
    sheets = parsing.whole("--variants", variants, 1, MOST_VARIANTS, "a number of sheets")
    rate = parsing.learning_rate(lr)
    if not FORMATS[style.format].is_text and style.output is None:
        raise Problem("--format", style.format, "it is a zip file; name it with -o FILE.zip")
    if nice and options.run is not None:
        mend = "a recording keeps its numbers; leave --nice out, or say which model to run"
        raise Problem("--run", options.run, mend)
    key_target = None if key is None else style.files.name("--key", key, (".json",))
    each = _one_file_each(style, sheets)
    job = Job(options, style, "printed", of_own="printed")

    from ...analysis.exercise.sheets import Wish, worksheets

    first = _run(job)
    wish = Wish(
        topics,
        blanks,
        chosen,
        sheets,
        nice,
        rate,
        first.decimals,
        own_x=job.architecture is not None
        and sheets > 1
        and not (options.x or options.x_file or options.run),
    )
    request = None if job.recorded else replace(job.request, arithmetic=first.arithmetic)
    made = list(worksheets(first, request, wish))
    return _write(made, f"Exercises: {first.label}", style, key_target, each, blanks)


def _write(
    made: list[Worksheet],
    title: str,
    style: Style,
    key: OutputFile | None,
    each: list[OutputFile],
    wanted: int,
) -> ExitCode:
    from ...analysis.exercise.key import to_text

    fewest = min(len(sheet.blanks) for sheet in made)
    if fewest < wanted:
        say(
            f"note: only {fewest} of {wanted} blanks were found for a sheet; other topics give more"
        )
    if key is not None:
        style.files.put(key, to_text(title, tuple(sheet.entry for sheet in made)))
    else:
        say("note: without --key FILE.json there is no key to mark these sheets with")
    for target, sheet in zip(each, made, strict=bool(each)):
        style.files.put(target, write(style.format, [sheet], title))
    if each:
        style.files.write()
        return ExitCode.OK
    text = write(style.format, made, title)
    if style.output is not None:
        style.files.put(style.output, text)
        style.files.write()
        return ExitCode.OK
    assert isinstance(text, str), "what is no text needs a file"
    return output.write(text, style)


def _one_file_each(style: Style, sheets: int) -> list[OutputFile]:
    """Return a file for each sheet, where the name that was given has a place for its number."""
    if style.output is None or EACH not in style.output.shown.name:
        return []
    shown = style.output.shown
    digits = len(str(sheets))
    names = (shown.name.replace(EACH, f"{n:0{digits}}") for n in range(1, sheets + 1))
    return [style.files.name("--output", shown.with_name(name)) for name in names]


def _topics(text: str) -> tuple[Topic, ...]:
    if text.strip() == "all":
        return cast("tuple[Topic, ...]", TOPICS)
    names = [parsing.choice("--topic", name.strip(), TOPICS) for name in text.split(",")]
    return cast("tuple[Topic, ...]", tuple(dict.fromkeys(names)))


def _run(job: Job) -> Run:
    """Run the model; one that cannot run on rounded numbers in PyTorch's own arithmetic."""
    from ... import pipeline
    from ...models.loading.user_code import CannotRun

    try:
        return job.run()
    except CannotRun:
        if job.recorded or job.options.arithmetic is not None:
            raise
        return pipeline.run(replace(job.request, arithmetic="full"))
