"""`vae-explain samples`: the files that the help and the docs use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...version import PACKAGE_FOLDER
from .. import output
from ..declared import own_option
from ..errors import ExitCode, Problem
from ..help_texts import PLAIN, HelpEntry, entry_lines
from ..options import Options

HERE = Path(PACKAGE_FOLDER)
# In an installation they are in the package, in a clone among the docs.
FOLDERS = HERE / "samples", HERE.parent / "docs" / "examples"
FILES = {
    "small_vae.py": "a model as you might write it, with its loss",
    "mistaken_vae.py": "the same with a mistake, which audit finds",
    "x.csv": "three rows of input for the built-in VAE",
    "post.md": "a worked example in text, for verify",
}


def samples(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]", help="Where to write them.  [default: the current folder]"
        ),
    ] = None,
    only_list: Annotated[
        bool, own_option.switch("List the files, and write nothing.", "--list")
    ] = False,
) -> ExitCode:
    style = Options().style()
    if only_list:
        entries = [HelpEntry(name, words) for name, words in FILES.items()]
        lines = entry_lines(entries, output.width(style.output is not None), PLAIN)
        return output.write("".join(f"{each}\n" for each in lines), style)
    target = (folder or Path()).expanduser()
    if not target.is_dir():
        raise Problem("FOLDER", folder, "there is no such folder; make it first")
    there = [name for name in FILES if (target / name).exists()]
    if there:
        mend = f"it has {there[0]} already, which would be lost; name another folder"
        raise Problem("FOLDER", folder or ".", mend)
    source = next((each for each in FOLDERS if each.is_dir()), None)
    if source is None:
        raise Problem("samples", None, "missing from this installation; install vae-explain again")
    for name in FILES:
        file = style.files.name("FOLDER", target / name)
        style.files.put(file, (source / name).read_text("utf-8"))
    return output.write("", style)
