"""Runs of thousands of operations: one of each kind is worked out, and any other by its name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from vae_explain import pipeline
from vae_explain.engine.roles import standard_draws
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.walkthrough.facts import MOST_OPERATIONS, Facts

from .pages import CommandLine
from .support import in_turn

STEPS = 410
MODELS = f"""\
import torch
from torch import nn
from torch.nn import functional as F


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)

    def forward(self, x):
        h = self.first(x)
        for _ in range({STEPS}):
            h = torch.tanh(h * 1.01) - 0.001
        return F.mse_loss(h, x)


class Noisy(Chain):
    def forward(self, x):
        return super().forward(x) + torch.randn_like(x).sum() * self.first.bias.sum()


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.w, self.u, self.out = nn.Linear(1, 3), nn.Linear(3, 3), nn.Linear(3, 4)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 3)
        for t in range({STEPS}):
            h = torch.tanh(self.w(x[:, t % 4 : t % 4 + 1]) + self.u(h))
        return F.mse_loss(self.out(h), x)


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range({STEPS}))

    def forward(self, x):
        h = x
        for layer in self.layers:
            h = torch.relu(layer(h)) * 0.1 + h
        return F.mse_loss(h, x)


class Explodes(Deep):
    def forward(self, x):
        return F.mse_loss(super().forward(x) * 0 + self.grown(x), x)

    def grown(self, x):
        g = x
        for _ in range({STEPS}):
            g = g * 10 + self.layers[0](g)
        return g
"""
MODEL_NAMES = "Chain", "Recurrent", "Deep"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "many.py"
    path.write_text(MODELS)
    return path


def options(file: Path, name: str) -> list[str]:
    return ["--model", f"{file}:{name}", "--x", "0.1,0.2,0.3,0.4"]


@pytest.mark.parametrize(("name", "command"), in_turn(MODEL_NAMES, ("forward", "backward")))
def test_one_of_each_kind_is_worked_out_and_any_other_by_name(
    cli: CommandLine, file: Path, command: str, name: str
) -> None:
    outcome = cli(command, *options(file, name))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n") < 400
    assert re.search(rf"In the same way: \S+ to \S+{STEPS}|{STEPS + 1}\.", outcome.out)
    asked = re.search(rf'vae-explain\s+{command}\s+"([^"]+)"', outcome.out)
    assert asked
    alone = cli(command, asked[1], *options(file, name))
    assert alone.code == 0
    assert asked[1] in alone.out
    assert alone.out.count("\n") < 400


def test_a_parameter_of_every_step_is_asked_for_alone(cli: CommandLine, file: Path) -> None:
    outcome = cli("backward", "--param", "u.weight", *options(file, "Recurrent"))
    assert outcome.code == 0
    assert outcome.out.count("\n") < 400
    assert "u.weight.grad" in outcome.out
    assert f"In the same way: h_3 to h_{STEPS + 1}." in outcome.out


def test_what_is_asked_for_is_shown_though_it_is_one_of_many(cli: CommandLine, file: Path) -> None:
    for command, title in (("forward", "h_77 ="), ("backward", "∂loss/∂h_77 =")):
        outcome = cli(command, "h_77", *options(file, "Recurrent"))
        assert outcome.code == 0
        assert title in outcome.out


def test_a_sum_over_all_steps_is_written_by_its_ends(cli: CommandLine, file: Path) -> None:
    out = " ".join(cli("backward", *options(file, "Recurrent")).out.split())
    first, last = "Σ(∂loss/∂u_1, dim=0)", f"Σ(∂loss/∂u_{STEPS}, dim=0)"
    assert re.search(rf"{re.escape(first)} \+ … \+ .*? \+ {re.escape(last)}", out)


def test_the_first_that_is_not_finite_is_none_of_many(cli: CommandLine, file: Path) -> None:
    outcome = cli("forward", *options(file, "Explodes"))
    assert outcome.code == 1
    (before,) = re.findall(r"✗ 10·g_(\d+) is the first value that is not finite", outcome.out)
    assert f"g_{int(before) + 1}[0] = 10·" in outcome.out


def test_a_step_of_learning_moves_one_parameter_of_each_kind(cli: CommandLine, file: Path) -> None:
    outcome = cli("update", *options(file, "Deep"))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n") < 100
    assert f"In the same way: layers.1.weight to layers.{STEPS - 1}.weight." in outcome.out
    alone = cli("update", "--param", "layers.7.weight", *options(file, "Deep"))
    assert " 1  Move layers.7.weight\n" in alone.out


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_document_works_out_one_of_each_kind(
    cli: CommandLine, file: Path, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "many.md"
    outcome = cli("document", *options(file, name), "-o", str(target))
    assert outcome.code == 0
    assert target.read_text().count("\n") < 500 + STEPS
    assert cli("verify", str(target)).code == 0


def test_a_long_run_is_not_done_again_for_each_of_many_draws(file: Path) -> None:
    source = UserModel(f"{file}:Noisy")
    x = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    long = pipeline.run(Request(x, 0, arithmetic="printed", source=source))
    assert len(standard_draws(long)) == 1
    assert len(long.trace.operations) > MOST_OPERATIONS
    assert Facts(long).other_draws is None
    assert Facts(pipeline.run(Request(x, 0, arithmetic="printed"))).other_draws is not None


def test_a_check_of_many_parameters_moves_some_from_all_over_the_model(
    cli: CommandLine, file: Path
) -> None:
    outcome = cli("check", *options(file, "Deep"))
    assert (outcome.code, outcome.err) == (0, "")
    assert "Central differences are not compared at" in outcome.out
    (moved,) = re.findall(r"Central differences moved ([\d,]+) of [\d,]+ numbers", outcome.out)
    assert 50 < int(moved.replace(",", "")) < STEPS
    assert outcome.out.count("\n") < 60
    checks = json.loads(cli("check", *options(file, "Deep"), "--json").out)["parameters"]
    compared = [each["name"] for each in checks if "central_differences" in each]
    layers = {int(layer) for layer in re.findall(r"layers\.(\d+)", " ".join(compared))}
    assert min(layers) < STEPS / 10
    assert max(layers) > STEPS * 0.9
