"""`vae-explain record`: a run kept in a file, to be asked without its model."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

from ...symbolic.printable import printable
from .. import output
from ..declared import output_option
from ..errors import ExitCode, Problem
from ..job import Job
from ..options import RECORDINGS, Options
from ..shared_options import with_options, without

ONE_FILE = "record writes one file, a recording, by --output; leave it out"


REFUSED = without("record", "run") | dict.fromkeys(("record", "format", "json", "digits"), ONE_FILE)


@partial(with_options, refused=REFUSED)
def record(
    output_file: Annotated[
        Path | None,
        output_option("FILE.safetensors", "The file to save the run to.", "--output", "-o"),
    ] = None,
    *,
    options: Options,
) -> ExitCode:
    if output_file is None:
        raise Problem("--output", None, "name the file for the run, such as -o run.safetensors")
    style = options.style()
    style = replace(style, record=style.files.name("--output", output_file, RECORDINGS))
    job = Job(options, style, "full")
    run = job.keep().run(job.arithmetic)
    named = sum(value.name is not None for value in run.trace.values)
    file = printable(str(output_file))
    words = f"The run of {run.label}, {named} named values, is in {file}; use it with --run.\n"
    return output.write(words, style)
