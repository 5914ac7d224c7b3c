"""`sample` on a user's own model: replayed draws are what a loop over the model gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vae_explain.analysis import noise_stream
from vae_explain.analysis.monte_carlo import Sample, sample
from vae_explain.analysis.noise_stream import (
    USUAL_DRAWS,
    CannotRedraw,
    run_and_draws,
    usual_draws,
)
from vae_explain.models.binding.loss_binding import LossOf
from vae_explain.models.request import Request, UserModel
from vae_explain.pages.walkthrough.sampling import sampling as page

from .models import MODELS
from .pages import CommandLine, text_of
from .test_own_training import SEED, request_of

# Those that draw from the standard normal and from nothing else.
DRAWS_NOTHING = ("vector-quantised", "images, vector-quantised")
PLAIN = [name for name in MODELS if name not in (*DRAWS_NOTHING, "layer norm and dropout")]
COUNT = 6


def sampled(style: str, count: int = COUNT) -> Sample:
    run, noise = run_and_draws(request_of(MODELS[style]), count)
    return sample(run, noise, divergence=False)


def test_fewer_draws_are_usual_where_a_run_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    run, noise = run_and_draws(request_of(MODELS["tuple"]), None)
    assert sum(1 for _ in noise) == USUAL_DRAWS[0]
    for part, count in ((60, 50), (30, 20), (1, 10)):
        monkeypatch.setattr(noise_stream, "work_of", lambda _, n=part: noise_stream.MOST_WORK // n)
        assert usual_draws(run) == count


@pytest.mark.parametrize("style", PLAIN)
def test_the_draws_are_those_of_a_loop_over_the_model(style: str) -> None:
    own = MODELS[style]
    torch.manual_seed(SEED)
    model, x = own.make(**own.arguments), own.x()
    losses, gradients = [], []
    for _ in range(COUNT):
        loss = LossOf(**own.keywords())(model, x).loss
        model.zero_grad()
        torch.autograd.backward(loss)
        losses.append(loss.item())
        grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        gradients.append({name: grad.numpy().astype(float) for name, grad in grads.items()})
    found = sampled(style)
    assert found.first.passed
    spread = found.values[found.run.trace.loss.name or ""]
    assert float(spread.mean) == pytest.approx(np.mean(losses), rel=1e-5)
    assert float(spread.std) == pytest.approx(np.std(losses, ddof=1), rel=1e-3, abs=1e-6)
    assert found.gradients.keys() == gradients[0].keys()
    largest = max(float(np.abs(g).max()) for g in gradients[0].values())
    for name, each in found.gradients.items():
        mine = np.mean([g[name] for g in gradients], axis=0)
        np.testing.assert_allclose(each.mean, mine, rtol=1e-3, atol=1e-4 * largest, err_msg=name)


@pytest.mark.parametrize("style", PLAIN)
def test_what_is_drawn_and_what_is_made_of_x_are_found(style: str) -> None:
    found = sampled(style, 3)
    assert any(name.startswith("z") for name in found.latents)
    assert all(found.values[name].std.any() for name in found.latents)
    if found.reconstruction:
        assert found.values[found.reconstruction].mean.shape == MODELS[style].shape
    text = text_of(page(found), 80)
    assert "What is drawn: z" in text
    assert "by its formula" not in text


def test_a_dropout_stays_as_it_was_drawn_and_is_said_to() -> None:
    found = sampled("layer norm and dropout", 4)
    assert len(found.still) == 3
    assert all(found.values[name].std.any() for name in found.latents)
    text = " ".join(text_of(page(found), 80).split())
    assert "dropout_mask_1, dropout_mask_2, dropout_mask_3: not drawn anew" in text


@pytest.mark.parametrize("style", DRAWS_NOTHING)
def test_a_model_without_noise_says_so(cli: CommandLine, tmp_path: Path, style: str) -> None:
    own = MODELS[style]
    np.save(tmp_path / "x.npy", own.x().numpy())
    outcome = cli("sample", *own.options(), "--x-file", str(tmp_path / "x.npy"))
    assert (outcome.code, outcome.out) == (2, "")
    assert "draws nothing from the standard normal" in outcome.err
    assert outcome.err.count("\n") == 1


BRANCHING = """
import torch
from torch import nn

class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        z = self.layer(x) + 3 * torch.randn_like(x)
        return (torch.where(z > 0, z, 10 * z) - x).square().sum()
"""


def test_a_model_that_goes_another_way_under_another_draw_is_refused(tmp_path: Path) -> None:
    (tmp_path / "branching.py").write_text(BRANCHING)
    x = np.ones((2, 3), np.float32)
    request = Request(
        x, 3, arithmetic="full", source=UserModel(f"{tmp_path}/branching.py:Branching")
    )
    with pytest.raises(CannotRedraw, match="another code path"):
        run_and_draws(request, 5)


COUNTING = """
import torch
from torch import nn

RUNS = []

class Counting(nn.Module):
    runs = 0

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def weight(self):
        self.runs += 1
        return self.runs

    def forward(self, x):
        z = self.layer(x) + torch.randn_like(x)
        return self.weight() * (z - x).square().sum()

class CountingOutOfReach(Counting):
    def weight(self):
        RUNS.append(1)
        return len(RUNS)
"""


def test_a_model_that_counts_its_runs_is_sampled_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    x = np.ones((2, 3), np.float32)
    source = UserModel(f"{tmp_path}/counting.py:Counting")
    request = Request(x, 3, arithmetic="full", source=source)
    run, noise = run_and_draws(request, 5)
    z = run.array("z")
    assert run.array("loss").item() == pytest.approx(((z - x) ** 2).sum(), rel=1e-6)
    assert sample(run, noise, divergence=False).first.passed


def test_a_model_that_changes_out_of_reach_is_refused_for_that(tmp_path: Path) -> None:
    (tmp_path / "counting.py").write_text(COUNTING)
    x = np.ones((2, 3), np.float32)
    request = Request(
        x, 3, arithmetic="full", source=UserModel(f"{tmp_path}/counting.py:CountingOutOfReach")
    )
    with pytest.raises(CannotRedraw, match="changes from run to run"):
        run_and_draws(request, 5)


@pytest.mark.parametrize("arithmetic", ["full", "printed"])
def test_on_the_command_line(cli: CommandLine, arithmetic: str) -> None:
    own = MODELS["tuple"]
    options = (*own.options(), "--x", ".2,.9,.5,.1,.7,.3", "--draws", "20")
    outcome = cli("sample", *options, "--arithmetic", arithmetic)
    assert outcome.code == 0
    assert "Which gradients change sign" in outcome.out
    document = json.loads(
        cli("sample", *options, "--arithmetic", arithmetic, "--format", "json").out
    )
    assert document["draws"] == 20
    assert "kl_monte_carlo" not in document
    assert {"z", "BCE", "KLD", "loss"} < set(document["values"])
    assert len(document["values"]) == 5  # and the reconstruction


CANCELS = """
import torch
from torch import nn


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_mu, self.decode = nn.Linear(3, 2), nn.Linear(2, 3)
        self.shares = nn.Parameter(torch.tensor([0.3, -1.2, 0.7, 2.1]))

    def forward(self, x):
        mu = self.to_mu(x)
        z = mu + torch.randn_like(mu)
        loss = ((self.decode(z) - x) ** 2).sum() + (mu**2).sum()
        return loss + 100 * torch.softmax(self.shares, 0).sum() * z.sum() / z.sum()
"""


def test_a_gradient_that_is_rounding_alone_agrees_in_float64_and_is_said_to(
    cli: CommandLine, tmp_path: Path
) -> None:
    """What shares that add up to 1 pass back is 0; PyTorch's rounding is all of its size."""
    file = tmp_path / "own.py"
    file.write_text(CANCELS)
    own = ("--model", f"{file}:Own", "--x", "0.1,0.2,0.3", "--seed", "0", "--draws", "5")
    outcome = cli("sample", *own)
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert "agrees with PyTorch's on a copy of the run in float64" in text
    assert "largest relative difference" not in text
