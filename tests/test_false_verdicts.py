"""A ✗ or FAILED is only for what is wrong: not for what rounding in large numbers makes of it.

PyTorch computed all of these runs, so nothing in them is wrong, whatever the input.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from vae_explain.models.builtin_config import ACTIVATIONS

from .pages import CommandLine, Outcome
from .support import latin

SCALES = (10.0, 100.0, 1e4)
# A document has the pages of `forward`, `backward` and `update`.
COMMANDS = ("check", "document", "sample")
ARITHMETIC = ("full", "printed")
OVERFLOWS = "the step overflows"
NOT_FINITE = "  Not finite"  # the section on what is not


def x_of(scale: float) -> str:
    return ",".join(str(scale * number) for number in (1, 2, 3, 4))


def require_no_verdict(outcome: Outcome) -> None:
    """Require that nothing is blamed; a run that overflows is, in one line."""
    assert "internal error" not in outcome.err
    if outcome.code == 2:
        assert "overflows" in outcome.err
        return
    if NOT_FINITE in outcome.out:
        assert outcome.code == 1
        return
    lines = [line for line in outcome.out.split("\n") if OVERFLOWS not in line.lower()]
    marked = [line for line in lines if re.search("✗|FAILED", line)]
    assert not marked
    assert outcome.code == (1 if OVERFLOWS in outcome.out.lower() else 0)


def reasons(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("activation", "command", "scale"), latin(ACTIVATIONS, COMMANDS, SCALES))
def test_large_inputs(cli: CommandLine, command: str, activation: str, scale: float) -> None:
    """Each command at one size of each activation: all rest on one bound of what rounding does."""
    for seed, how in enumerate(ARITHMETIC):
        options = ("--activation", activation, "--seed", str(seed), "--arithmetic", how)
        require_no_verdict(cli(command, *options, "--x", x_of(scale)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_number_that_is_too_small_for_its_precision(cli: CommandLine, command: str) -> None:
    """The sigmoid of -716 is 0 in PyTorch's arithmetic, in float64 too, and 1e-311 by hand."""
    options = ("--dims", "4-1-2-1-4", "--activation", "sigmoid", "--seed", "0")
    for how in ARITHMETIC:
        require_no_verdict(cli(command, *options, "--x", "7,-510,782,699", "--arithmetic", how))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("command", ["forward", "backward", "update"])
def test_large_inputs_on_a_page_of_its_own(cli: CommandLine, command: str, scale: float) -> None:
    require_no_verdict(cli(command, "--activation", "tanh", "--x", x_of(scale)))


@pytest.mark.parametrize(
    ("activation", "command", "scale"), latin(ACTIVATIONS, ("check", "document"), SCALES)
)
def test_large_noise_before_a_cross_entropy(
    cli: CommandLine, command: str, activation: str, scale: float
) -> None:
    """The sigmoid is 0 or 1 exactly, where PyTorch's logarithm ends at -100."""
    noise = f"{scale},-{scale}"
    for how in ARITHMETIC:
        options = ("--activation", activation, "--recon", "bce", "--arithmetic", how)
        require_no_verdict(cli(command, *options, "--x", "0,1,0.5,1", "--eps", noise))


# What the built-in VAE has no option for, and what is written in place, so that PyTorch goes
# back by the result.
LAYERS = (
    "nn.ELU(inplace=True)",
    "nn.CELU()",
    "nn.CELU(inplace=True)",
    "nn.SELU()",
    "nn.SELU(inplace=True)",
    "nn.LeakyReLU(inplace=True)",
    "nn.SiLU(inplace=True)",
    "nn.Mish()",
    "nn.Hardswish()",
    "nn.Softsign()",
    "nn.LogSigmoid()",
    "nn.Tanhshrink()",
    "nn.GELU(approximate='tanh')",
    "nn.Softplus(beta=2)",
    "nn.PReLU()",
    "nn.Softmax(-1)",
    "nn.LogSoftmax(-1)",
    "nn.LayerNorm(8)",
    "nn.BatchNorm1d(8)",
    "nn.Dropout(0.5)",
    "nn.Sequential(nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))",
)
SOURCE = """
import torch
from torch import nn


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(4, 8)
        self.to_mu = nn.Linear(8, 2)
        self.to_logvar = nn.Linear(8, 2)
        self.decode = nn.Linear(2, 8)
        self.output = nn.Linear(8, 4)
        self.activation = {layer}

    def forward(self, x):
        h = self.activation(self.encode(x))
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.output(self.activation(self.decode(z))), mu, logvar


def loss(outputs, x):
    recon, mu, logvar = outputs
    kl = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
    return torch.sum((recon - x) ** 2) + kl
"""


@pytest.mark.parametrize(("layer", "command", "scale"), latin(LAYERS, COMMANDS, SCALES))
def test_large_inputs_of_own_models(
    cli: CommandLine, tmp_path: Path, command: str, layer: str, scale: float
) -> None:
    file = tmp_path / "own.py"
    file.write_text(SOURCE.format(layer=layer))
    own = ("--model", f"{file}:Own", "--loss", f"{file}:loss")
    rows = ("--x", x_of(scale), "--x", x_of(-scale / 2))
    require_no_verdict(cli(command, *own, "--seed", "0", *rows))


STAYS_IN_FLOAT32 = """
import torch
from torch import nn

EDGES = torch.tensor([[0.0, 1.0], [1.0, 0.0]])

class Graph(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Linear(3, 1)

    def forward(self, x):
        z = self.mean(x) + torch.randn(len(x), 1)
        return torch.sigmoid({logit} + 0.1 * z @ z.t())

def loss(model, x):
    return nn.functional.binary_cross_entropy(model(x), EDGES)
"""


@pytest.mark.parametrize("logit", [15.5, 16.0, 16.5, 17.0, 18.0, -17.0, -104.0])
def test_a_cross_entropy_that_saturates_in_float32_alone(
    cli: CommandLine, tmp_path: Path, logit: float
) -> None:
    """At 16.6 and more the sigmoid is 1 in float32, whose logarithm of 1 - 1 becomes -100."""
    file = tmp_path / "graph.py"
    file.write_text(STAYS_IN_FLOAT32.format(logit=logit))
    rows = ("--x", "0.1,0.2,0.3", "--x", "0.3,0.1,0.2")
    own = ("--model", f"{file}:Graph", "--objective", f"{file}:loss", *rows)
    for command in ("check", "sample", "document"):
        for seed in range(3):
            require_no_verdict(cli(command, *own, "--seed", str(seed)))


def test_what_float32_loses_is_settled_in_float64_and_said(cli: CommandLine) -> None:
    outcome = cli("check", "--activation", "tanh", "--seed", "0", "--x", "10,20,30,40")
    assert outcome.code == 0
    words = "autograd on a copy of the run in float64 agrees with the rules"
    assert words in reasons(outcome.out)


def test_a_floored_cross_entropy_is_no_slope_and_said_to_be_none(cli: CommandLine) -> None:
    options = ("--recon", "bce", "--x", "0,1,0.5,1", "--eps", "1000,-1000", "--seed", "1")
    outcome = cli("check", *options)
    assert outcome.code == 0
    assert "p·(1 - p)" in reasons(outcome.out) or "too coarse" in reasons(outcome.out)


# --- what is computed in float32 within a float64 model -----------------------------------

SINGLE = """
import numpy as np
import torch
from torch import nn


class Squares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return {computed}

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return {factor} * x * upstream


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return Squares.apply(self.layer(x)).sum()
"""
COMPUTED = ("x.float().square().to(x.dtype)", "torch.from_numpy(np.float32(x.detach())**2).to(x)")


@pytest.mark.parametrize("computed", COMPUTED)
@pytest.mark.parametrize("factor", ["2", "2.1"])
def test_a_function_that_returns_float32_has_differences_of_float32(
    cli: CommandLine, tmp_path: Path, computed: str, factor: str
) -> None:
    file = tmp_path / "own.py"
    file.write_text(SINGLE.format(computed=computed, factor=factor))
    outcome = cli("check", "--model", f"{file}:Own", "--x", "1,2,3", "--seed", "3")
    assert outcome.code == 0
    other = "has a backward pass of its own" in reasons(outcome.out)
    assert other == (factor != "2")  # a gradient that is not the slope is still told from it


# --- a run's own trouble ------------------------------------------------------------------


def test_nan_of_a_product_with_what_float32_rounds_to_0(cli: CommandLine) -> None:
    """An infinite gradient meets a slope that is 0 in float32, and small in float64."""
    x = ("--x", "-1028.5,227,-155,-48.75", "--x", "1248,1,-118.2,-242")
    outcome = cli("why", "--activation", "silu", "--seed", "59", *x, "fc1.weight.grad")
    assert outcome.code == 1
    assert [line for line in outcome.out.splitlines() if "✗" in line] == [
        line for line in outcome.out.splitlines() if "is the first value that" in line
    ]
    assert "ways to the loss" not in outcome.out
    assert "from the reconstruction" not in outcome.out
    assert "nan %" not in outcome.out
    assert "= nan" in outcome.out


def test_a_step_that_overflows_fails_a_document_as_it_does_an_update(cli: CommandLine) -> None:
    for command in ("update", "document"):
        outcome = cli(command, "--x", "1000,2000,3000,4000", "--lr", "1e30", "--activation", "tanh")
        assert outcome.code == 1
        assert "The step overflows" in reasons(outcome.out)


CROSS_ENTROPY = ("--recon", "bce", "--x", "1,0.5,1,0", "--lr", "1e30")


@pytest.mark.parametrize("command", ["update", "document"])
def test_a_step_that_the_model_does_not_run_behind_is_said(cli: CommandLine, command: str) -> None:
    outcome = cli(command, *CROSS_ENTROPY)
    assert outcome.code == 1
    assert "should be between 0 and 1" in reasons(outcome.out)


def test_a_training_that_cross_entropy_ends_is_kept(cli: CommandLine) -> None:
    options = ("--recon", "bce", "--x", "1,0.5,1,0", "--lr", "100", "--steps", "20")
    outcome = cli("train", *options)
    assert outcome.code == 1
    words = reasons(outcome.out)
    assert "The run ended at step" in words
    assert "should be between 0 and 1" in words
    found = json.loads(cli("train", *options, "--format", "json").out)
    assert 0 < len(found["steps"]) == found["diverged_at"] < 20
    assert "should be between 0 and 1" in found["stopped"]


WRITES = """
from torch import nn, relu


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(3, 4), nn.Linear(4, 3)

    def forward(self, x):
        x.mul_(0.9)
        return self.decode(relu(self.encode(x)))


def loss(recon, x):
    return ((recon - x) ** 2).sum()
"""


def test_training_is_the_plain_loop_also_where_forward_writes_into_x(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "own.py"
    file.write_text(WRITES)
    options = ("--model", f"{file}:Own", "--loss", f"{file}:loss", "--x", "1,2,3", "--steps", "4")
    found = json.loads(cli("train", *options, "--format", "json").out)
    theirs: dict[str, Any] = {}
    exec(WRITES, theirs)
    torch.manual_seed(42)
    model, x = theirs["Own"](), torch.tensor([[1.0, 2.0, 3.0]])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for step in found["steps"]:
        optimizer.zero_grad()
        loss = theirs["loss"](model(x), x)
        loss.backward()
        optimizer.step()
        assert step["loss"] == loss.item()
