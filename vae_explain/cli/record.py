"""`vae-explain record`: a run kept in a file, to be asked without its model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from . import output
from .errors import ExitCode, Problem
from .job import Job, refuse
from .options import RECORDINGS, Options, with_options
from .style import output_option


@with_options
def record(
    output_file: Annotated[
        Path | None,
        output_option(
            "--output", "-o", metavar="FILE.safetensors", help="The file to save the run to."
        ),
    ] = None,
    record: Annotated[Path | None, typer.Option(hidden=True)] = None,
    format: Annotated[str | None, typer.Option(hidden=True)] = None,
    json: Annotated[bool, typer.Option(hidden=True)] = False,
    digits: Annotated[str | None, typer.Option(hidden=True)] = None,
    *,
    options: Options,
) -> ExitCode:
    refuse(options, "record", "run")
    for option, value in (("--record", record), ("--digits", digits), ("--format", format)):
        if value is not None:
            mend = "record writes one file, a recording, by --output; leave it out"
            raise Problem(option, value, mend)
    if json:
        raise Problem("--json", "", "a recording is always safetensors; leave it out")
    if output_file is None:
        raise Problem("--output", "", "name the file that gets the run, as -o run.safetensors")
    style = options.style()
    style = replace(style, record=style.files.name("--output", output_file, RECORDINGS))
    job = Job(options, style, "full")
    run = job.keep().run(job.arithmetic)
    named = sum(value.name is not None for value in run.trace.values)
    return output.write(
        f"The run of {run.label}, {named} named values, is in {output_file}; ask it by --run.\n",
        style,
    )
