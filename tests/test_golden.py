"""The pages of the default settings, compared sign by sign with files a person can read.

`pytest --update-golden` writes them anew; the diff of that is the review.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from .pages import CommandLine

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("command", ["forward", "backward", "params", "verify"])
def test_a_page_is_as_it_was(
    command: str, columns: int, cli: CommandLine, request: pytest.FixtureRequest
) -> None:
    outcome = cli(command, columns=columns)
    assert (outcome.code, outcome.err) == (0, "")
    path = GOLDEN / f"{command}-{columns}.txt"
    if request.config.getoption("--update-golden"):
        path.write_text(outcome.out, encoding="utf-8")
    kept = path.read_text(encoding="utf-8").splitlines()
    difference = difflib.unified_diff(
        kept, outcome.out.splitlines(), str(path), f"vae-explain {command}", lineterm=""
    )
    assert outcome.out.splitlines() == kept, "\n" + "\n".join(difference)
