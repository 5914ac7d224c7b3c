"""A ✗ or FAILED is only for what is wrong: not for what rounding in large numbers makes of it.

PyTorch computed all of these runs, so nothing in them is wrong, whatever the input.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vae_explain.models.builtin_config import ACTIVATIONS

from .pages import CommandLine, Outcome

SCALES = (1.0, 10.0, 100.0, 1e3, 1e4)
OVERFLOWS = "the step overflows"


def x_of(scale: float) -> str:
    return ",".join(str(scale * number) for number in (1, 2, 3, 4))


def require_no_verdict(outcome: Outcome) -> None:
    """Require that nothing is blamed; a run that overflows is, in one line."""
    assert "internal error" not in outcome.err
    if outcome.code == 2:
        assert "overflows" in outcome.err
        return
    lines = [line for line in outcome.out.split("\n") if OVERFLOWS not in line.lower()]
    marked = [line for line in lines if re.search("✗|FAILED", line)]
    assert not marked
    assert outcome.code == (1 if OVERFLOWS in outcome.out.lower() else 0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_large_inputs(cli: CommandLine, command: str, activation: str, scale: float) -> None:
    for seed, how in (("0", "full"), ("1", "printed")):
        options = ("--activation", activation, "--seed", seed, "--arithmetic", how)
        require_no_verdict(cli(command, *options, "--x", x_of(scale)))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_large_noise_before_a_cross_entropy(
    cli: CommandLine, command: str, activation: str, scale: float
) -> None:
    """The sigmoid is 0 or 1 exactly, where PyTorch's logarithm ends at -100."""
    noise = f"{scale},-{scale}"
    for how in ("full", "printed"):
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


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_large_inputs_of_own_models(
    cli: CommandLine, tmp_path: Path, command: str, layer: str
) -> None:
    file = tmp_path / "own.py"
    file.write_text(SOURCE.format(layer=layer))
    own = ("--model", f"{file}:Own", "--loss", f"{file}:loss")
    for scale in SCALES:
        rows = ("--x", x_of(scale), "--x", x_of(-scale / 2))
        require_no_verdict(cli(command, *own, "--seed", "0", *rows))
