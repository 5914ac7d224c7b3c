"""The pages of the default settings, compared with files a person can read.

`pytest --update-golden` writes them anew; the diff of that is the review. What depends on
the processor is told from the rest by `comparing.py`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from .comparing import GOLDEN, Golden, differences, numbers_of
from .documents import SMALL, document
from .pages import CommandLine, command_line

SUFFIXES = {"markdown": "md", "latex": "tex", "notebook": "cells.txt", "svg": "svg"}


@pytest.fixture(autouse=True)
def one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every version be as long as the one that the files were written with."""
    monkeypatch.setattr(torch, "__version__", "2.13.0")


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["forward", "backward", "params", "verify"])
def test_a_page_is_as_it_was(command: str, columns: int, cli: CommandLine, golden: Golden) -> None:
    outcome = cli(command, columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    golden.compare(
        f"{command}-{columns}.txt",
        outcome.out,
        lambda: numbers_of(cli(command, "--format", "json").out),
    )


@pytest.mark.parametrize("form", ["markdown", "latex", "notebook", "svg"])
def test_a_document_is_as_it_was(form: str, golden: Golden) -> None:
    page = command_line("diagram", *SMALL).out if form == "svg" else document(form, *SMALL)
    golden.compare(f"document.{SUFFIXES[form]}", readable(page) if form == "notebook" else page)


@pytest.mark.text
def test_the_start_page_of_the_docs_is_what_the_command_writes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`docs/README.md` is `vae-explain document -o docs/README.md`, with its picture."""
    docs = GOLDEN.parent.parent / "docs"
    folder = docs if request.config.getoption("--update-golden") else tmp_path
    assert command_line("document", "-o", str(folder / "README.md")).code == 0
    for name in ("README.md", "README.svg"):
        kept, written = ((at / name).read_text("utf-8") for at in (docs, folder))
        assert not differences(kept, written), f"docs/{name} is not what the command writes"


def readable(notebook: str) -> str:
    """Write the code of a notebook as one file; its text is the Markdown's."""
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    return "\n\n".join(f"# {cell['id']}\n{''.join(cell['source'])}" for cell in cells) + "\n"
