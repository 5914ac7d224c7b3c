"""Files that commands write: none that was not named, none that is read, whole and together."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_explain.cli.errors import Problem
from vae_explain.cli.files import Files
from vae_explain.models.builtin_vae import VAE

from .pages import CommandLine

MODEL = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return ((self.layer(x) - x) ** 2).sum()


def loss(out):
    return out


def objective(model, x):
    return model(x)
"""
NUMBERS = "1,2,3,4\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, with a file of each kind that commands read."""
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text(NUMBERS)
    np.save("x.npy", np.ones((1, 4), np.float32))
    torch.save(VAE().state_dict(), "w.pt")
    Path("model.py").write_text(MODEL)
    Path("post.md").write_text("The loss is 31.5105.\n")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what is not replaced ---------------------------------------------------------------

OWN = ["--model", "model.py:Model", "--x", NUMBERS.strip()]


@pytest.mark.parametrize(
    "arguments",
    [
        ["forward", "--x-file", "x.csv", "-o", "x.csv", "--format", "text"],
        ["backward", "--x-file", "x.npy", "-o", "./x.npy", "--json"],
        ["document", "--weights", "w.pt", "-o", "w.pt", "--format", "html"],
        ["params", "--weights", "w.pt", "--save", "w.pt"],
        ["train", "--steps", "2", "--weights", "w.pt", "--save", "sub/../w.pt"],
        ["check", *OWN, "-o", "model.py", "--json"],
        ["audit", *OWN, "--loss", "model.py:loss", "-o", "model.py", "--json"],
        ["update", *OWN, "--objective", "model.py:objective", "-o", "model.py", "--json"],
        ["diagram", *OWN, "-o", "link.svg"],
        ["verify", "post.md", "-o", "post.md", "--json"],
        ["verify", "post.md", "--junit", "post.md"],
    ],
    ids=" ".join,
)
def test_what_is_read_is_not_written(cli: CommandLine, folder: Path, arguments: list[str]) -> None:
    (folder / "sub").mkdir()
    (folder / "link.svg").symlink_to("model.py")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "would be lost; name another file" in outcome.err
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--steps", "2", "--save", "same.pt", "--output", "same.pt", "--json"],
        ["train", "--steps", "2", "--plot", "a.svg", "--output", "./a.svg", "--json"],
        ["verify", "post.md", "--junit", "a.txt", "--output", "a.txt"],
    ],
    ids=" ".join,
)
def test_two_files_of_one_name_are_refused(
    cli: CommandLine, folder: Path, arguments: list[str]
) -> None:
    before = contents(folder)
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "has the same file; name another" in outcome.err
    assert contents(folder) == before


def test_a_picture_that_somebody_else_made_stays(cli: CommandLine, folder: Path) -> None:
    (folder / "lesson.svg").write_text("<svg>mine</svg>")
    before = contents(folder)
    outcome = cli("document", "-o", "lesson.md")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "lesson.svg, where another file is" in outcome.err
    assert contents(folder) == before


def test_a_picture_of_the_same_document_is_made_anew(cli: CommandLine, folder: Path) -> None:
    assert cli("document", "-o", "lesson.md").code == 0
    first = (folder / "lesson.svg").read_bytes()
    assert cli("document", "-o", "lesson.md", "--x", "4,3,2,1").code == 0
    assert (folder / "lesson.svg").read_bytes() != first
    # The picture of another document, and one that `diagram` drew, are not its own.
    assert cli("document", "-o", "lesson.markdown").code == 2
    assert cli("diagram", "-o", "lesson.svg").code == 0
    assert cli("document", "-o", "lesson.md").code == 2


def test_a_read_only_file_is_respected(cli: CommandLine, folder: Path) -> None:
    (folder / "x.csv").chmod(0o444)
    outcome = cli("forward", "-o", "x.csv", "--format", "text")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "it is read-only" in outcome.err
    assert (folder / "x.csv").read_text() == NUMBERS
    assert stat.S_IMODE((folder / "x.csv").stat().st_mode) == 0o444


# --- whole, and together ----------------------------------------------------------------


def test_every_file_is_said(cli: CommandLine, folder: Path) -> None:
    outcome = cli("document", "-o", "lesson.md")
    assert (outcome.code, outcome.out) == (0, "")
    assert set(outcome.err.splitlines()) == {
        "vae-explain: wrote lesson.md",
        "vae-explain: wrote lesson.svg",
    }
    outcome = cli("params", "--save", "w.safetensors")
    assert outcome.err == "vae-explain: wrote w.safetensors\n"
    assert "fc1.weight" in outcome.out


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Files, Path, Path]:
    """Two files to be written, of which the first is there already."""
    files = Files({})
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("before")
    for path in (first, second):
        files.put(files.name("--output", path), f"new {path.name}")
    return files, first, second


def test_a_signal_waits_until_all_files_are_in_their_places(
    pair: tuple[Files, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, first, second = pair
    seen: list[tuple[int, dict[str, bytes]]] = []
    fsync = os.fsync

    def interrupted(number: int) -> None:
        signal.raise_signal(signal.SIGTERM)
        fsync(number)

    monkeypatch.setattr(os, "fsync", interrupted)
    before = signal.signal(signal.SIGTERM, lambda n, frame: seen.append((n, contents(tmp_path))))
    try:
        files.write()
    finally:
        signal.signal(signal.SIGTERM, before)
    whole = {path.name: f"new {path.name}".encode() for path in (first, second)}
    assert seen == [(signal.SIGTERM, whole)] * 2


@pytest.mark.parametrize("which", [0, 1])
def test_files_appear_together_or_not_at_all(
    pair: tuple[Files, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    files, *_ = pair
    before = contents(tmp_path)
    replace, calls = os.replace, iter(range(9))

    def failing(source: Path, target: Path) -> None:
        if next(calls) == which:
            raise PermissionError(1, "Operation not permitted")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(Problem, match="operation not permitted"):
        files.write()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_an_interrupt_leaves_no_temporary_file(
    fails: str, pair: tuple[Files, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    files, *_ = pair
    before = contents(tmp_path)
    monkeypatch.setattr(os, fails, interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write()
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("make", "taken"),
    [
        (lambda n: "n" * (n - 4) + ".txt", True),
        (lambda n: "n" * (n - 3) + ".txt", False),
        (lambda n: "μ" * (n // 2 - 4) + ".txt", True),
    ],
)
def test_a_name_may_be_as_long_as_the_file_system_takes(
    cli: CommandLine, folder: Path, make: Callable[[int], str], taken: bool
) -> None:
    name = make(os.pathconf(folder, "PC_NAME_MAX"))
    outcome = cli("forward", "-o", name)
    assert (folder / name).exists() if taken else outcome.code == 2
    assert outcome.err.count("\n") == 1


# --- the format that a name means -------------------------------------------------------

COMMANDS = (
    ["forward"], ["backward"], ["why", "z[0]"], ["update"], ["train", "--steps", "2"],
    ["sample", "--draws", "3"], ["check"], ["audit"], ["params"], ["verify"],
)  # fmt: skip


@pytest.mark.parametrize("command", [*COMMANDS, ["document"]], ids=" ".join)
def test_the_suffix_is_the_format(cli: CommandLine, folder: Path, command: list[str]) -> None:
    assert cli(*command, "-o", "page.JSON").code == 0
    found = json.loads((folder / "page.JSON").read_text("utf-8"))
    assert found == json.loads(cli(*command, "--json").out)
    before = contents(folder)
    for name in ("page.doc", "page"):
        outcome = cli(*command, "-o", name)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert f"--output {name}: name a file that ends with ." in outcome.err
    outcome = cli(*command, "-o", "other.txt" if command != ["document"] else "a.md", "--json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "ends with .json" in outcome.err
    assert contents(folder) == before


def test_two_formats_are_refused(cli: CommandLine) -> None:
    outcome = cli("forward", "--json", "--format", "text")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "these are two formats" in outcome.err


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_standard_output_may_be_named(cli: CommandLine, name: str) -> None:
    assert cli("forward", "-o", name) == cli("forward")
