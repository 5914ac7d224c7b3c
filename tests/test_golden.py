"""The pages of the default settings, compared sign by sign with files a person can read.

`pytest --update-golden` writes them anew; the diff of that is the review. Two things that
are not the page's own are hidden in them: the version of PyTorch, and the digits of the
differences from it, which another processor rounds otherwise.
"""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

import pytest
import torch

from .documents import SMALL, document
from .pages import CommandLine, command_line

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"markdown": "md", "latex": "tex", "notebook": "cells.txt", "svg": "svg"}
HIDDEN = {r"PyTorch \d+\.\d+\.\d+": "PyTorch N.N.N", r"\b\d\.\de[+-]\d\d\b": "N.Ne-NN"}

ROUNDING = "(no difference)", "(largest relative difference N.Ne-NN)"


@pytest.fixture(autouse=True)
def one_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every version be as long as the one that the files were written with."""
    monkeypatch.setattr(torch, "__version__", "2.13.0")


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["forward", "backward", "params", "verify"])
def test_a_page_is_as_it_was(
    command: str, columns: int, cli: CommandLine, request: pytest.FixtureRequest
) -> None:
    outcome = cli(command, columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    page = hidden(outcome.out)
    path = GOLDEN / f"{command}-{columns}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(page, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        kept.splitlines(), page.splitlines(), str(path), f"vae-explain {command}", lineterm=""
    )
    assert page == kept, "\n" + "\n".join(difference)


@pytest.mark.parametrize("form", ["markdown", "latex", "notebook", "svg"])
def test_a_document_is_as_it_was(form: str, request: pytest.FixtureRequest) -> None:
    page = command_line("diagram", *SMALL).out if form == "svg" else document(form, *SMALL)
    if form == "notebook":
        page = readable(page)
    page = hidden(page)
    path = GOLDEN / f"document.{SUFFIXES[form]}"
    if request.config.getoption("--update-golden"):
        path.write_text(page, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    difference = difflib.unified_diff(
        kept.splitlines(), page.splitlines(), str(path), f"document {form}", lineterm=""
    )
    assert page == kept, "\n" + "\n".join(difference)


def test_the_start_page_of_the_docs_is_what_the_command_writes(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`docs/README.md` is `vae-explain document -o docs/README.md`, with its picture."""
    docs = GOLDEN.parent.parent / "docs"
    folder = docs if request.config.getoption("--update-golden") else tmp_path
    assert command_line("document", "-o", str(folder / "README.md")).code == 0
    for name in ("README.md", "README.svg"):
        kept, written = ((at / name).read_text("utf-8") for at in (docs, folder))
        # A processor with other vector instructions adds in another order.
        written, kept = (hidden(text).replace(*ROUNDING) for text in (written, kept))
        assert written == kept, f"docs/{name} is not what the command writes"


def readable(notebook: str) -> str:
    """Write the code of a notebook as one file; its text is the Markdown's."""
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    return "\n\n".join(f"# {cell['id']}\n{''.join(cell['source'])}" for cell in cells) + "\n"


def hidden(page: str) -> str:
    """Replace what a page owes to the machine and the installation."""
    for pattern, shown in HIDDEN.items():
        page = re.sub(pattern, shown, page)
    return page


def test_what_is_hidden_is_no_figure() -> None:
    page = "eps -0.2387 0.0000 6.1e-07 with PyTorch 2.13.0 (largest difference 5.2e-17)"
    assert hidden(page) == (
        "eps -0.2387 0.0000 N.Ne-NN with PyTorch N.N.N (largest difference N.Ne-NN)"
    )
