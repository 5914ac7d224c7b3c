"""No control character gets out raw: of what was typed, or of what a file or a model says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
import torch

from vae_explain.models.builtin_vae import VAE

from .pages import CommandLine
from .test_unruly_models import COMMANDS

BAD = "\x1b[31mred\x07\x9b\u202e"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
SOURCE = """\
import warnings

import torch
from torch import nn

BAD = {bad!r}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_parameter("p" + BAD + "\\n", nn.Parameter(torch.ones(4)))
        self.add_module("layer" + BAD, nn.Linear(4, 4))

    def forward(self, x):
        h = self._modules["layer" + BAD](x * self._parameters["p" + BAD + "\\n"])
        return ((h - x) ** 2).sum()


Model.__name__ = Model.__qualname__ = "Model" + BAD


class Raising(nn.Module):
    def forward(self, x):
        warnings.warn(BAD)
        raise type("Odd" + BAD, (Exception,), {{}})(BAD)


class Returning(nn.Module):
    def forward(self, x):
        return {{"a" + BAD: x, "b": x}}
"""


def require_clean(text: str) -> None:
    found = CONTROL.search(text)
    assert found is None, repr(text[max(found.start() - 60, 0) : found.end() + 20])


@pytest.mark.parametrize(
    "arguments",
    [
        ["forward", "--x", BAD], ["forward", "--seed", BAD], ["forward", "--format", BAD],
        ["forward", "--step", BAD], ["why", BAD], ["backward", "--term", BAD],
        ["backward", "--param", BAD], ["forward", "--dims", BAD], ["verify", "--map", BAD, "x"],
        ["audit", "--only", BAD], ["document", "--format", BAD], ["train", "--plot", BAD],
        ["train", "--optimizer", BAD], ["params", "--save", BAD], ["forward", "--color", BAD],
        ["forward", f"--{BAD}"], [BAD], ["forward", BAD], ["forward", "--weights", f"{BAD}.pt"],
        ["forward", "--x-file", f"{BAD}.csv"], ["forward", "-o", f"no{BAD}/a.txt"],
        ["document", "-o", f"a{BAD}.xyz"], ["verify", f"{BAD}.md"],
        ["forward", "--model", f"{BAD}.py:Model", "--x", "1"],
    ],
    ids=repr,
)  # fmt: skip
def test_what_was_typed(cli: CommandLine, arguments: list[str]) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    require_clean(outcome.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["two\nlines"], ["forward", "--two\nlines"], ["why", "two\nlines"],
        ["verify", "two\nlines"],
        ["forward", "--model", "two\nlines:Model", "--x", "1"], ["forward", "--step", "two\nlines"],
        ["forward", "--set", "two\nlines=1"], ["forward", "-o", "two\nlines.xyz"],
    ],
    ids=repr,
)  # fmt: skip
def test_lines_that_were_typed_are_one_line(cli: CommandLine, arguments: list[str]) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(SOURCE.format(bad=BAD))
    return path


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "sample"])
def test_what_a_model_is_called(cli: CommandLine, models: Path, command: str) -> None:
    own = ["--model", f"{models}:Model", "--x", "1,2,3,4"]
    target = ["loss"] if command == "why" else COMMANDS[command]
    outcome = cli(command, *target, *own)
    assert outcome.code == 0
    require_clean(outcome.out)
    require_clean(outcome.err)


def test_what_a_model_is_called_where_files_are_written(cli: CommandLine, models: Path) -> None:
    own = ["--model", f"{models}:Model", "--x", "1,2,3,4"]
    tests, run = models.with_name("tests.xml"), models.with_name("run.safetensors")
    assert cli("audit", *own, "--junit", str(tests)).code == 0
    require_clean(tests.read_text("utf-8"))
    outcome = cli("record", *own, "-o", str(run))
    assert outcome.code == 0
    require_clean(outcome.out)


@pytest.mark.parametrize("ending", ["md", "html", "tex", "ipynb", "json"])
def test_documents(cli: CommandLine, models: Path, ending: str) -> None:
    page = models.with_suffix(f".{ending}")
    own = ["--model", f"{models}:Model", "--x", "1,2,3,4"]
    assert cli("document", *own, "-o", str(page)).code == 0
    for written in page.parent.glob("models.*"):
        if written != models:
            require_clean(written.read_text("utf-8"))


@pytest.mark.parametrize("name", ["Raising", "Returning"])
def test_what_a_model_says(cli: CommandLine, models: Path, name: str) -> None:
    outcome = cli("forward", "--model", f"{models}:{name}", "--x", "1,2,3,4")
    assert (outcome.code, outcome.out) == (2, "")
    require_clean(outcome.err)


def test_what_a_file_says(cli: CommandLine, tmp_path: Path) -> None:
    weights, rows = tmp_path / "w.pt", tmp_path / "x.csv"
    torch.save(VAE().state_dict() | {f"fc1{BAD}\n": torch.ones(1)}, weights)
    rows.write_text(f"1,2,3{BAD},4\n")
    for given in (["--weights", str(weights)], ["--x-file", str(rows)]):
        outcome = cli("forward", *given)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        require_clean(outcome.err)


NO_TEXT = os.fsdecode(b"\xff")
ODD_NAMES = (NO_TEXT, f"a{NO_TEXT}é", BAD, "two\nlines", "100%25")


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_a_document_of_any_name_is_read_again_and_finds_its_picture(
    cli: CommandLine, tmp_path: Path, name: str
) -> None:
    page = tmp_path / f"{name}.md"
    written = cli("document", "-o", str(page))
    assert written.code == 0, written.err
    link = re.search(r"\]\(<?([^<>\n]+\.svg)>?\)", page.read_text("utf-8"))
    assert link is not None
    assert os.fsdecode(unquote_to_bytes(link[1])) == f"{name}.svg"
    read = cli("verify", str(page))
    assert read.code == 0, read.err
    for text in (written.err, read.out, read.err):
        require_clean(text)
        text.encode("utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
def test_a_stream_that_cannot_write_a_name_shows_its_codes(tmp_path: Path, encoding: str) -> None:
    words = ["record", "-o", str(tmp_path / f"{NO_TEXT}.safetensors")]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    command = [sys.executable, "-m", "vae_explain", *words]
    outcome = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert rb"\udcff.safetensors; use it with --run." in outcome.stdout


def test_a_name_with_a_line_break_makes_no_further_message(
    cli: CommandLine, tmp_path: Path
) -> None:
    outcome = cli("document", "--short", "-o", str(tmp_path / "a\nwrote b.md"))
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert line.startswith("vae-explain: wrote ")
    outcome = cli("forward", "--model", "a\nb.py:Model", "--x", "1")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
