"""Models that give other numbers when they run again with the same seed: every command says so."""

from __future__ import annotations

import random
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest
import torch

from .pages import CommandLine
from .test_unruly_models import COMMANDS

SOURCE = """\
import random
import time

import numpy as np
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 4), nn.Linear(2, 4)
        self.optimizer = torch.optim.SGD(self.parameters(), lr=0.1)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, -1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        loss = ((self.dec(z) - x) ** 2).sum()
{run}
        return loss - 0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
"""
# Four numbers of each run weigh the four errors: that two runs draw the same four doesn't happen.
WEIGHED = "loss = (torch.tensor({numbers}, dtype=x.dtype) * (self.dec(z) - x) ** 2).sum()"
CHANGES = {
    kind: WEIGHED.format(numbers=numbers)
    for kind, numbers in {
        "clock": "[time.perf_counter_ns() % prime for prime in (1009, 1013, 1019, 1021)]",
        "unseeded": "np.random.default_rng().random(4)",
        "system": "[random.SystemRandom().random() for _ in range(4)]",
    }.items()
}
STAYS = {
    "numpy": "loss = loss * (1 + float(np.random.rand()))",
    "random": "loss = loss * (1 + random.random())",
    "torch": "loss = loss * torch.rand(())",
    "backward": "((self.dec(z.detach())) ** 2).sum().backward()",
    "seeded": "loss = loss * float(np.random.default_rng(0).random())",
}
MOVES = {
    "optimizer": "self.optimizer.zero_grad()\nloss.backward()\nself.optimizer.step()\n"
    "mu, logvar = self.enc(x).chunk(2, -1)\nloss = ((self.dec(mu) - x) ** 2).sum()",
    "written": "with torch.no_grad():\n    self.dec.weight.mul_(0.9)\n"
    "loss = ((self.dec(mu) - x) ** 2).sum()",
    "assigned": "self.dec.weight.data = self.dec.weight.data * 0.9\n"
    "loss = ((self.dec(mu) - x) ** 2).sum()",
}
PRECISIONS = ("float16", "float64")
SAID = "run again with the same seed, the model gives other numbers"


def page(cli: CommandLine, folder: Path, command: str, run: str) -> str:
    file = folder / "own.py"
    file.write_text(SOURCE.replace("{run}", indent(run, " " * 8)))
    own = ["--model", f"{file}:Model", "--x", "1,2,3,4"]
    outcome = cli(command, *COMMANDS[command], *own)
    return " ".join((outcome.out + outcome.err).split())


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize(
    "command",
    ["forward", "backward", "why", "update", "document", "audit", "train", "params", "check"],
)
def test_a_model_that_changes_is_said_to(
    cli: CommandLine, tmp_path: Path, command: str, kind: str
) -> None:
    assert SAID in page(cli, tmp_path, command, CHANGES[kind])


@pytest.mark.parametrize("command", ["sample", "check"])
def test_what_cannot_be_done_with_it_is_not(cli: CommandLine, tmp_path: Path, command: str) -> None:
    assert "loss changes from run to run" in page(cli, tmp_path, command, CHANGES["unseeded"])


@pytest.mark.parametrize("kind", STAYS)
@pytest.mark.parametrize(
    "command", ["forward", "backward", "update", "document", "audit", "train", "params"]
)
def test_a_model_that_stays_is_not(
    cli: CommandLine, tmp_path: Path, command: str, kind: str
) -> None:
    assert SAID not in page(cli, tmp_path, command, STAYS[kind])


def test_the_seed_is_that_of_python_and_numpy_too(cli: CommandLine, tmp_path: Path) -> None:
    run = "\n".join((STAYS["numpy"], STAYS["random"]))
    first = page(cli, tmp_path, "forward", run)
    random.seed()
    np.random.seed(None)
    before = random.getstate()
    assert page(cli, tmp_path, "forward", run) == first
    assert random.getstate() == before  # the caller's are left alone


@pytest.mark.parametrize("kind", MOVES)
@pytest.mark.parametrize("command", ["update", "document", "check"])
def test_a_model_that_moves_its_parameters_is_not_blamed(
    cli: CommandLine, tmp_path: Path, command: str, kind: str
) -> None:
    text = page(cli, tmp_path, command, MOVES[kind])
    assert "error:" not in text
    assert "✗" not in text
    assert "FAILED" not in text
    assert SAID in text


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("command", ["update", "document", "check"])
def test_a_model_that_sets_the_default_precision_has_set_it_for_one_run(
    cli: CommandLine, tmp_path: Path, command: str, precision: str
) -> None:
    text = page(cli, tmp_path, command, f"torch.set_default_dtype(torch.{precision})")
    assert torch.get_default_dtype() == torch.float32
    assert "error:" not in text
    assert "✗" not in text
    assert "FAILED" not in text
    assert SAID not in text
