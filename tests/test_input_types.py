"""The types of what a model is given: tokens stay whole, and x is as precise as the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_explain import explain

from .pages import CommandLine
from .test_unruly_models import COMMANDS

SENTENCES = """\
import torch
from torch import nn
from torch.nn import functional as F


class Sentences(nn.Module):
    def __init__(self, words=10, width=4, latent=2):
        super().__init__()
        self.embed = nn.Embedding(words, width)
        self.encoder = nn.GRU(width, width, batch_first=True)
        self.mean, self.logvar = nn.Linear(width, latent), nn.Linear(width, latent)
        self.out = nn.Linear(latent, words)

    def forward(self, tokens):
        _, last = self.encoder(self.embed(tokens))
        mu, logvar = self.mean(last[0]), self.logvar(last[0])
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        logits = self.out(z).unsqueeze(1).expand(-1, tokens.shape[1], -1)
        error = F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="sum")
        return error - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return ((self.layer(x) - x) ** 2).sum()


class Exact(Pixels):
    def __init__(self):
        super().__init__()
        self.double()
"""
TOKENS = [[1, 2, 3], [4, 5, 0]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(SENTENCES)
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_vae_of_sentences_runs(cli: CommandLine, file: Path, command: str) -> None:
    np.save(file.with_name("x.npy"), np.array(TOKENS))
    outcome = cli(
        command, *COMMANDS[command], "--model", f"{file}:Sentences",
        "--x-file", str(file.with_name("x.npy")),
    )  # fmt: skip
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("kind", ["u1", "i2", "u2", "i4", "i8", "u8"])
def test_tokens_of_every_integer_type(cli: CommandLine, file: Path, kind: str) -> None:
    np.save(file.with_name("x.npy"), np.array(TOKENS, kind))
    given = ["--x-file", str(file.with_name("x.npy"))]
    outcome = cli("forward", "--model", f"{file}:Sentences", *given, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["values"]["x"] == TOKENS
    # A layer takes real numbers, and is given them.
    np.save(file.with_name("x.npy"), np.array([[1, 2, 3, 4]], kind))
    assert (
        json.loads(cli("forward", "--model", f"{file}:Pixels", *given, "--json").out)["values"]
        == json.loads(cli("forward", "--model", f"{file}:Pixels", "--x", "1,2,3,4", "--json").out)[
            "values"
        ]
    )


def test_tokens_may_be_typed(cli: CommandLine, file: Path) -> None:
    rows = ["--x", "1,2,3", "--x", "4,5,0"]
    outcome = cli("forward", "--model", f"{file}:Sentences", *rows, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert json.loads(outcome.out)["values"]["x"] == TOKENS
    outcome = cli("forward", "--model", f"{file}:Sentences", "--x", "1,2.5,3")
    assert (outcome.code, outcome.out) == (2, "")


def test_tokens_in_python(file: Path) -> None:
    scope: dict[str, type[torch.nn.Module]] = {}
    exec(file.read_text(), scope)
    explained = explain(scope["Sentences"](), np.array(TOKENS), seed=1)
    assert explained.values["x"].tolist() == TOKENS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_model_in_float64_runs_in_float64(cli: CommandLine, file: Path, command: str) -> None:
    own = ["--model", f"{file}:Exact", "--x", "0.1,0.2,0.3,0.4"]
    outcome = cli(command, *COMMANDS[command], *own)
    if command == "sample":  # it draws nothing
        assert outcome.code == 2
        return
    assert (outcome.code, outcome.err) == (0, "")


def test_x_is_as_precise_as_the_model(cli: CommandLine, file: Path) -> None:
    own = ["forward", "--model", f"{file}:Exact"]
    typed = cli(*own, "--x", "0.1,0.2,0.3,0.4", "--json")
    assert json.loads(typed.out)["values"]["x"] == [[0.1, 0.2, 0.3, 0.4]]
    for name in ("x.csv", "x.npy"):
        path = file.with_name(name)
        if name == "x.csv":
            path.write_text("0.1,0.2,0.3,0.4\n")
        else:
            np.save(path, np.array([[0.1, 0.2, 0.3, 0.4]]))
        assert cli(*own, "--x-file", str(path), "--json").out == typed.out
    page = cli(*own, "--x", "0.1,0.2,0.3,0.4").out
    assert "arithmetic: full, PyTorch's float64" in page
