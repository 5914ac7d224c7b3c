"""`params --save` and `train --save`: what is written is read again, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vae_explain.models.builtin_vae import VAE

from .models import FOLDER
from .pages import CommandLine

SUFFIXES = [".safetensors", ".pt", ".pth"]


def read(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        return load_file(path)
    found: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return found


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_saved_weights_are_read_again(cli: CommandLine, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"vae{suffix}"
    saved = cli("params", "--seed", "3", "--save", str(path))
    assert saved.code == 0, saved.err
    assert f"arein{path}" in "".join(saved.out.split())
    arguments = "params", "--arithmetic", "full", "--format", "json"
    expected = json.loads(cli(*arguments, "--seed", "3").out)["values"]
    found = json.loads(cli(*arguments, "--seed", "4", "--weights", str(path)).out)["values"]
    for name, tensor in read(path).items():
        assert found[name] == expected[name]
        # Unrounded, though the page that was shown beside them rounds.
        assert tensor.dtype is torch.float32
        assert tensor.tolist() == expected[name]
    assert len(read(path)) == 10


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_model_of_ones_own_is_saved_with_its_buffers(
    cli: CommandLine, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"own{suffix}"
    np.save(tmp_path / "x.npy", np.random.default_rng(1).random((4, 6)).astype(np.float32))
    own = (
        *("--model", f"{FOLDER / 'batch_norm.py'}:BatchNormVAE"),
        *("--loss", f"{FOLDER / 'batch_norm.py'}:criterion"),
        *("--x-file", str(tmp_path / "x.npy")),
    )
    saved = cli("params", *own, "--save", str(path))
    assert saved.code == 0, saved.err
    tensors = read(path)
    counts = [name for name in tensors if name.endswith("num_batches_tracked")]
    assert counts
    assert all(tensors[name].shape == () and tensors[name] == 0 for name in counts)
    again = cli("forward", *own, "--seed", "5", "--weights", str(path))
    assert again.code == 0, again.err


def test_training_keeps_its_weights_in_either_kind(cli: CommandLine, tmp_path: Path) -> None:
    paths = [tmp_path / f"trained{suffix}" for suffix in SUFFIXES]
    for path in paths:
        assert cli("train", "--steps", "2", "--save", str(path)).code == 0
    first, *others = map(read, paths)
    for other in others:
        assert first.keys() == other.keys()
        assert all(torch.equal(first[name], other[name]) for name in first)


def test_json_is_written_beside_the_weights(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "vae.pt"
    outcome = cli("params", "--format", "json", "--save", str(path))
    assert outcome.code == 0
    assert json.loads(outcome.out)["command"] == "params"
    assert len(read(path)) == 10


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--save", "weights.bin"], "--save weights.bin: name a file that ends with"),
        (["--save", "missing/w.pt"], "does not exist"),
        (
            ["--save", "same.pt", "--output", "same.pt", "--format", "text"],
            "--output has the same file",
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_in_one_line(
    cli: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("params", *given)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert said in outcome.err
    assert not list(tmp_path.iterdir())


def test_nothing_half_written_is_left(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    outcome = cli("params", "--save", str(tmp_path / "vae.pt"))
    assert outcome.code == 2
    assert "cannot be written: no space left" in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_leaves_the_file_as_it_was(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "vae.pt"
    path.write_bytes(b"as it was")
    outcome = cli("params", "--x", "1e30,1,1,1", "--save", str(path))
    assert outcome.code == 2
    assert path.read_bytes() == b"as it was"
    assert [entry.name for entry in tmp_path.iterdir()] == ["vae.pt"]


@pytest.mark.parametrize(
    ("given", "by_weights", "by_seed"),
    [
        (("--weights", "w.pt", "--eps", "0.1,0.2"), True, False),
        (("--weights", "w.pt"), True, True),
        (("--eps", "0.1,0.2"), False, True),
    ],
)
def test_a_seed_is_named_where_it_gave_a_number(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...], by_weights: bool, by_seed: bool,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(7)
    torch.save(VAE().state_dict(), "w.pt")
    assert cli("document", "--x", "1,2,3,4", *given, "-o", "page.md").code == 0
    page = Path("page.md").read_text("utf-8")
    assert ("seed 42" in page) == by_seed
    assert page.count("*from a file*") == 2 * by_weights
    assert cli("verify", "page.md").code == 0
    run = json.loads(cli("forward", "--x", "1,2,3,4", *given, "--format", "json").out)
    assert run["seed"] == (42 if by_seed else None)
    cli("record", "--x", "1,2,3,4", *given, "-o", "run.safetensors")
    again = cli("document", "--run", "run.safetensors", "--arithmetic", "printed", "-o", "again.md")
    assert again.code == 0
    assert Path("again.md").read_text("utf-8").count("*from a file*") == 2 * by_weights


def test_a_model_of_its_own_without_draws_has_no_seed(cli: CommandLine, tmp_path: Path) -> None:
    code = """
import torch
from torch import nn

class Still(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
    def forward(self, x):
        return ((self.w * x - x * 2) ** 2).sum()

class Drawn(Still):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(2))

class Beside(Still):
    def forward(self, x):
        import numpy
        return super().forward(x) * float(numpy.random.rand())
"""
    file = tmp_path / "own.py"
    file.write_text(code)
    for name, seeded in (("Still", False), ("Drawn", True), ("Beside", True)):
        out = cli("forward", "--model", f"{file}:{name}", "--x", "1,2").out
        assert ("seed 42" in out.splitlines()[0]) == seeded
