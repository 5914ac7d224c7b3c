"""The files of a user's model and loss: each loaded once, and able to import what is about it."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from .pages import CommandLine

ROWS = ("--x", ".2,.9,.5", "--x", ".7,.1,.4")
MODEL = """
import torch
from torch import nn

LOADED = LOADED + 1 if "LOADED" in globals() else 1
print("loading")
weight = {"kl": 0.0}


class Output:
    def __init__(self, recon, mu, logvar):
        self.recon, self.mu, self.logvar = recon, mu, logvar


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.logvar, self.dec = (nn.Linear(3, 3) for _ in range(3))

    def forward(self, x):
        weight["kl"] = 0.5
        mu, logvar = self.mu(x), self.logvar(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return Output(self.dec(z), mu, logvar)
"""
LOSS = """
def loss(out, x):
    assert type(out) is Output, "another class of the same name"
    kl = -0.5 * (1 + out.logvar - out.mu**2 - out.logvar.exp()).sum()
    return ((out.recon - x) ** 2).sum() + weight["kl"] * kl
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What an earlier test has imported by these names is another folder's.
    for name in ("own", "models", "models.own", "shapes_of_all"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "own.py").write_text(MODEL + LOSS)
    (tmp_path / "models" / "apart.py").write_text(f"from own import Output, weight\n{LOSS}")
    (tmp_path / "models" / "rooted.py").write_text(f"from models.own import Output, weight\n{LOSS}")
    return tmp_path


@pytest.mark.parametrize("file", ["own", "apart", "rooted"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_is_loaded_once_by_whatever_name(
    cli: CommandLine, folder: Path, file: str, order: int
) -> None:
    model = ("--model", f"{folder}/models/own.py:Model")
    loss = ("--loss", f"{folder}/models/{file}.py:loss")
    pairs = (model, loss)[::order]
    outcome = cli("forward", *pairs[0], *pairs[1], *ROWS, "--root", str(folder))
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("loading") == 1
    assert re.search(r"loss = .*½·kl|loss = .*0\.5·kl", outcome.out)


def test_a_file_that_has_changed_at_once_is_loaded_anew(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = folder / "models" / "own.py"
    own = ("--model", f"{file}:Model", "--loss", f"{file}:loss", *ROWS)
    before = cli("forward", *own)
    written = file.stat().st_mtime_ns
    # As long as it was, and of the same second, by which Python tells what it has compiled.
    file.write_text((MODEL + LOSS).replace("** 2).sum()", "** 4).sum()"))
    os.utime(file, ns=(written, written + 1))
    after = cli("forward", *own)
    assert (before.code, after.code) == (0, 0)
    assert before.out != after.out
    assert not (folder / "models" / "__pycache__").exists()


def test_what_was_not_found_is_said_with_its_folder(cli: CommandLine, folder: Path) -> None:
    (folder / "models" / "far.py").write_text(f"from blocks.shapes import N\n{MODEL}")
    (folder / "blocks").mkdir()
    (folder / "blocks" / "shapes.py").write_text("N = 3\n")
    own = ("--model", f"{folder}/models/far.py:Model", "--loss", f"{folder}/models/far.py:loss")
    outcome = cli("forward", *own, *ROWS)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert f"blocks is in {folder}: add --root {folder}, or name models.far:NAME" in outcome.err
    assert "there is no such folder" in cli("forward", *own, *ROWS, "--root", "nowhere").err


@pytest.mark.parametrize("how", ["working folder", "root"])
def test_the_working_folder_and_the_root_are_importable(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    source = MODEL.replace("weight =", "from shapes_of_all import N\nweight =") + LOSS
    (folder / "models" / "near.py").write_text(source)
    (folder / "shapes_of_all.py").write_text("N = 3\n")
    options = ("--root", str(folder)) if how == "root" else ()
    if how == "working folder":
        monkeypatch.chdir(folder)
    own = ("--model", f"{folder}/models/near.py:Model", "--loss", f"{folder}/models/near.py:loss")
    path = sys.path.copy()
    outcome = cli("forward", *own, *ROWS, *options)
    assert outcome.code == 0, outcome.err
    assert sys.path == path


def test_what_it_imports_as_it_runs_is_found(cli: CommandLine, folder: Path) -> None:
    source = MODEL.replace('        weight["kl"]', '        import late_one\n        weight["kl"]')
    (folder / "models" / "late_one.py").write_text("")
    (folder / "models" / "late.py").write_text(source + LOSS)
    own = ("--model", f"{folder}/models/late.py:Model", "--loss", f"{folder}/models/late.py:loss")
    assert cli("forward", *own, *ROWS).code == 0


def test_a_folder_that_it_changes_to_moves_no_output(
    cli: CommandLine, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = folder / "away"
    away.mkdir()
    (away / "numbers.txt").write_text("3")
    read = 'int(pathlib.Path("numbers.txt").read_text())'
    source = MODEL.replace("range(3)", f"range({read})") + LOSS
    changes = f"import os, pathlib\nos.chdir({str(away)!r})\nclass Output"
    source = source.replace("class Output", changes)
    (folder / "models" / "moving.py").write_text(source)
    monkeypatch.chdir(folder)
    own = ("--model", "models/moving.py:Model", "--loss", "models/moving.py:loss", *ROWS)
    for _ in range(2):  # the file is not loaded a second time, and is where it went
        outcome = cli("forward", *own, "-o", "page.txt")
        assert outcome.code == 0, outcome.err
        assert Path.cwd() == folder
    assert (folder / "page.txt").is_file()
    assert os.listdir(away) == ["numbers.txt"]
    assert cli("params", *own, "--save", "own.pt").code == 0
    assert cli("forward", *own, "--weights", "own.pt").code == 0


# --- scripts and notebooks ---

SCRIPT = """
import torch
from torch import nn
import torch.nn.functional as F

latent, device = 2, torch.device("cuda" if torch.cuda.is_available() else "cpu")
latent = 2
bce = nn.BCEWithLogitsLoss(reduction="sum")
data = open("no_such_file_of_data").read()
print("training")


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.mu, self.logvar, self.dec = nn.Linear(3, latent), nn.Linear(3, latent), nn.Linear(2, 3)

    def forward(self, x):
        mu, logvar = self.mu(x), self.logvar(x)
        return self.dec(mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)), mu, logvar


def loss(recon, x, mu, logvar):
    return bce(recon, x) - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


for epoch in range(10):
    raise SystemExit("it trains")
"""


def _notebook() -> str:
    head, class_, rest = SCRIPT.partition("class Model")
    cells = [f"%matplotlib inline\n!pip install torch\n{head}", "plot of = what", class_ + rest]
    code = [{"cell_type": "code", "source": [cell]} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": ["# A VAE"]}, *code]})


@pytest.mark.parametrize("name", ["train.py", "train.ipynb"])
def test_the_definitions_of_a_script_alone(cli: CommandLine, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text(SCRIPT.replace("latent, device = 2, ", "device = "))
    options: tuple[str, ...] = ("--definitions-only",)
    if name.endswith("ipynb"):
        file.write_text(_notebook().replace("latent, device = 2, ", "device = "))
        options = ()
    own = ("--model", f"{file}:Model", "--loss", f"{file}:loss", *ROWS)
    if options:
        assert cli("forward", *own).code == 2
    outcome = cli("forward", *own, *options)
    assert (outcome.code, outcome.err) == (0, "")
    header = " ".join(outcome.out.split("\n\n")[0].split())
    assert f"Model, from the definitions of {name} alone · seed 42" in header
    assert "loss(recon=model(x)[0], x=x, mu=mu, logvar=logvar)" in header
    assert cli("check", *own, *options).code == 0
