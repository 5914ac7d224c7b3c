"""`vae-explain mark`: filled worksheets marked by their key, without PyTorch."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .. import output
from ..declared import file_option
from ..errors import ExitCode, Problem
from ..options import Options
from ..shared_options import OF_OUTPUT, with_options


@partial(with_options, only=OF_OUTPUT)
def mark(
    answers: Annotated[
        Path,
        typer.Argument(
            metavar="ANSWERS",
            help="A filled-in sheet (Markdown, CSV or notebook), or a folder of them.",
        ),
    ],
    key: Annotated[Path, file_option("KEY.json", "The answer key that exercise wrote.", "--key")],
    csv: Annotated[
        Path | None,
        file_option("FILE.csv", "Write a table of the class, one line per sheet.", "--csv"),
    ] = None,
    pages: Annotated[
        Path | None,
        file_option("FOLDER", "Write an HTML page for each student to this folder.", "--pages"),
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    style = options.style(reads={"--key": key, "FILE": answers})
    table = None if csv is None else style.files.name("--csv", csv, (".csv",))
    for option, path in (("ANSWERS", answers), ("--key", key)):
        if not path.expanduser().exists():
            raise Problem(option, path, "there is no such file")
    if pages is not None and not pages.expanduser().is_dir():
        raise Problem("--pages", pages, "there is no such folder; create it")

    from ...analysis.exercise.answers import read_answers
    from ...analysis.exercise.key import read_key
    from ...analysis.exercise.marking import mark as marked

    answer_key = read_key(key.expanduser())
    filled = read_answers(answers.expanduser(), answer_key)
    marks = [marked(answer_key.sheets[each.sheet], each.answers, each.student) for each in filled]
    from ...pages.render.sheets import marks as written
    from ...pages.walkthrough import marks as page

    if table is not None:
        style.files.put(table, written.to_csv(marks))
    if pages is not None:
        for name, text in written.pages_of(marks, answer_key.title):
            target = style.files.name("--pages", pages / name)
            if not written.is_ours(target.path):
                raise Problem("--pages", target.shown, "another file is there; move it")
            style.files.put(target, text)
    if style.format == "json":
        return output.write(written.dump(marks), style)
    return output.show(page.marks(marks, answer_key.title), style)
