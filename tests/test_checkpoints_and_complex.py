"""Parts of a model that run again in the backward pass, and numbers that no page has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointFunction, checkpoint

from vae_explain import pipeline
from vae_explain.analysis.gradient_check import check_own

from .pages import CommandLine
from .requests import held, run_and_nudge

X = torch.tensor([[1.0, -2.0, 3.0, 0.5]])


class Folded(nn.Module):
    """A VAE of which a part is a reentrant checkpoint."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part
        self.encoder = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
        self.heads, self.decoder = nn.Linear(5, 4), nn.Linear(2, 4)

    def sample(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.heads(h).chunk(2, dim=-1)
        return mu + torch.exp(0.5 * logvar) * torch.randn_like(mu), mu, logvar

    def forward(self, x: Tensor) -> Tensor:
        if self.part == "encoder":
            h = checkpoint(self.encoder, x, use_reentrant=True)
        else:
            h = self.encoder(x)
        if self.part == "sample":
            z, mu, logvar = checkpoint(self.sample, h, use_reentrant=True)
        else:
            z, mu, logvar = self.sample(h)
        if self.part == "decoder":
            recon = checkpoint(self.decoder, z, use_reentrant=True)
        else:
            recon = self.decoder(z)
        kl = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp())
        loss: Tensor = ((recon - x) ** 2).sum() + kl
        return loss


# An encoder whose input has no gradient gets none, as PyTorch warns.
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("part", ["encoder", "sample", "decoder"])
def test_a_reentrant_checkpoint_has_the_gradients_of_a_plain_backward_pass(part: str) -> None:
    torch.manual_seed(3)
    model = Folded(part)
    run = pipeline.run(held(model, X, seed=5))
    torch.manual_seed(5)
    loss = model(X)
    loss.backward()
    assert run.trace.loss.array == loss.detach().numpy()
    found = {value.name: run.gradients.get(value.id) for value in run.trace.values}
    for name, parameter in model.named_parameters():
        if parameter.grad is None:
            assert (part, found[name]) == ("encoder", None)
            assert name.startswith("encoder")
        else:
            np.testing.assert_array_equal(found[name], parameter.grad.numpy(), err_msg=name)
    model.zero_grad()
    checked, nudged = run_and_nudge(held(model, X, seed=5))
    assert check_own(checked, nudged).passed
    assert "apply" not in vars(CheckpointFunction)


class Square(torch.autograd.Function):
    """A function with a backward pass of its own, that switches gradients off as well."""

    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]  # as PyTorch has it
        with torch.no_grad():
            ctx.save_for_backward(x)
            return x * x

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # as PyTorch has it
        return 2 * gradient * ctx.saved_tensors[0]


def test_what_a_function_switches_off_within_is_not_held_still_behind_it() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 3), nn.Linear(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            h = Square.apply(self.first(x))  # type: ignore[no-untyped-call]  # PyTorch's own
            loss: Tensor = (self.last(h) - x).pow(2).sum()
            return loss

    torch.manual_seed(3)
    assert check_own(*run_and_nudge(held(Model(), X, seed=5))).passed


COMPLEX = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("turn", {buffer})

    def forward(self, x):
        h = self.layer(x)
        return {loss}
"""
PLACES = {
    "spectrum": ("None", "(spectrum := torch.fft.rfft(h)).abs().sum()"),
    "turn": ("torch.ones(4, dtype=torch.complex64)", "h.sum()"),
    "the loss": ("None", "torch.complex(h, h).sum()"),
    "what fft_rfft gives": ("None", "torch.view_as_real(torch.fft.rfft(h)).pow(2).sum()"),
}
COMMANDS = (
    ["forward"], ["backward"], ["why", "loss"], ["check"], ["document"], ["audit"], ["update"],
    ["train", "--steps", "2"], ["params"], ["forward", "--format", "json"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("what", PLACES)
def test_complex_numbers_are_refused_by_name(
    cli: CommandLine, tmp_path: Path, command: list[str], what: str
) -> None:
    path = tmp_path / "model.py"
    buffer, loss = PLACES[what]
    path.write_text(COMPLEX.format(buffer=buffer, loss=loss), encoding="utf-8")
    outcome = cli(*command, "--model", f"{path}:Model", "--x", "1,2,3,4")
    assert outcome.code == 2
    assert outcome.out == ""
    assert f"{what} is complex, and pages show only real numbers" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert ("torch.cos(w)" in outcome.err) == ("fft" in loss)


def test_a_spectrum_as_the_refusal_says_is_that_of_pytorch_and_is_explained(
    cli: CommandLine, tmp_path: Path
) -> None:
    size = "torch.hypot(h @ torch.cos(w), -h @ torch.sin(w))"
    w = "2 * torch.pi / 4 * torch.outer(torch.arange(4), torch.arange(4 // 2 + 1))"
    path = tmp_path / "model.py"
    loss = f"[(w := {w}), (spectrum := {size}).sum()][1]"
    path.write_text(COMPLEX.format(buffer="None", loss=loss), encoding="utf-8")
    outcome = cli("forward", "--model", f"{path}:Model", "--x", "1,2,3,4")
    assert outcome.code == 0, outcome.err
    w, h = eval(w), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    torch.testing.assert_close(eval(size), torch.fft.rfft(h).abs())


def test_a_checkpoint_on_the_command_line(cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    source = COMPLEX.format(
        buffer="None", loss="torch.utils.checkpoint.checkpoint(torch.sum, h, use_reentrant=True)"
    )
    path.write_text(source.replace("import nn", "import nn\nimport torch.utils.checkpoint"))
    outcome = cli("backward", "--format", "json", "--model", f"{path}:Model", "--x", "1,2,3,4")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["gradients"]["layer.bias"] == [1.0, 1.0, 1.0, 1.0]
