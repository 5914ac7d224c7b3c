"""What a run says: each rule on a run that it speaks of, and on one that it must be silent on.

The numbers in its sentences are computed here once more, in NumPy alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.render.numbers import Numbers
from vae_explain.pages.walkthrough import run_says
from vae_explain.pages.walkthrough.facts import Facts
from vae_explain.pages.walkthrough.run_says import Rule, sentences
from vae_explain.pipeline import run

from .pages import CommandLine
from .requests import held

X = ((1.0, 2.0, 3.0, 4.0),)


@lru_cache
def run_of(**how: Any) -> Run:
    shape = {key: how.pop(key) for key in ("activation", "recon", "beta") if key in how}
    how.setdefault("x", X)
    return run(Request(source=Architecture(**shape), arithmetic="printed", **how))


def said(rule: Rule, source: Run, lr: float = 0.01) -> str:
    """Return what a rule says; empty where it is silent."""
    statement = rule(Facts(source, lr))
    if statement is None:
        return ""
    return "".join(text for text, _ in Numbers().statement(statement))


class Autoencoder(nn.Module):
    """It draws nothing, and its loss has one term."""

    def __init__(self) -> None:
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        recon = self.dec(self.enc(x))
        loss: Tensor = ((recon - x) ** 2).sum()
        return loss


@lru_cache
def plain() -> Run:
    return run(held(Autoencoder(), torch.tensor(X), 1))


def test_the_loss_and_the_outputs_that_carry_it() -> None:
    words = said(run_says.loss_parts, run_of())
    assert words == (
        "The loss is 31.5105: 31.1010 from the reconstruction + 0.4095 from the KL; recon_x[3] and "
        "recon_x[2] bring 83 % of the squared error (15.4057 and 10.4970 of 31.1010)."
    )
    error = (run_of().array("recon_x")[0] - X[0]) ** 2
    assert error[[3, 2]].sum() / error.sum() == pytest.approx(0.83, abs=0.005)
    assert said(run_says.loss_parts, plain()) == ""
    even = run_of(x=((0.3, 0.3, 0.3, 0.3),), recon="bce")  # no squared error is carried there
    assert "carry" not in said(run_says.loss_parts, even)


def test_which_term_pulls_harder_and_where_they_oppose() -> None:
    words = said(run_says.pulls, run_of())
    source = run_of()
    parts = [
        np.concatenate(
            [source.term_gradients[t][source.value(n).id].ravel() for n in ("mu", "logvar")]
        )
        for t in ("mse", "kl")
    ]
    harder = int((np.abs(parts[0]) > np.abs(parts[1])).sum())
    against = int((parts[0] * parts[1] < 0).sum())
    assert (
        f"the reconstruction has the larger part in {harder}, the largest at mu[0] (2.7159 against"
        in words
    )
    assert against == 1
    assert "opposite signs only at logvar[0] (-0.3279 against 0.0117)" in words
    assert said(run_says.pulls, plain()) == ""


def test_units_that_are_off_and_whether_they_come_back() -> None:
    words = said(run_says.units_off, run_of())
    first, second = words.split("; ")
    assert first.startswith(
        "Units 6, 7 of encoder_hidden are off (unit 7 is the closest to on, at -1.4421)"
    )
    assert "a step on this input does not change that" in first
    assert "units 0, 2, 6, 7 of decoder_hidden are off" in second
    assert "may come on when z changes" in second
    assert said(run_says.units_off, run_of(activation="tanh")) == ""


def test_a_dimension_that_has_the_prior() -> None:
    words = said(run_says.near_the_prior, run_of())
    assert words.startswith("Latent 1 (of 2, counted from 0) carries 0.0135 of the KL's 0.4095")
    assert said(run_says.near_the_prior, run_of(seed=7)) == ""
    assert said(run_says.near_the_prior, plain()) == ""


class ByRow(Autoencoder):
    """Its divergence is one number for each row, and the second latent has the prior."""

    def __init__(self) -> None:
        super().__init__()
        self.enc = nn.Linear(4, 4)
        with torch.no_grad():
            self.enc.weight[[1, 3]] = 0.0
            self.enc.bias[[1, 3]] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        mu, logvar = self.enc(x).chunk(2, -1)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        mse = ((self.dec(z) - x) ** 2).sum(-1)
        kl = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(-1)
        loss: Tensor = (mse + kl).mean()
        return loss


def test_a_dimension_that_has_the_prior_where_each_row_has_its_divergence() -> None:
    torch.manual_seed(1)
    x = torch.tensor(((1.0, 2.0, 3.0, 4.0), (4.0, 3.0, 2.0, 1.0)))
    source = run(held(ByRow(), x, 1))
    words = said(run_says.near_the_prior, source)
    mean = source.array("kl").mean()
    assert words.startswith(
        f"Latent 1 (of 2, counted from 0) carries 0.0000 of the KL's {mean:.4f}:"
    )


def test_how_much_a_draw_decides() -> None:
    source = run_of()
    words = said(run_says.luck, source)
    slope = source.gradient("z") * source.array("std")
    assert f"eps[0] matters most, with a gradient of {slope[0, 0]:.4f}." in words
    mean, spread = map(float, re.findall(r"of ([\d.]+) ± ([\d.]+)", words)[0])
    std, mu = source.array("std"), source.array("mu")
    chance = np.random.default_rng(5)
    w1, b1, w2, b2 = (source.array(f"fc_dec{n}.{k}") for n in (1, 2) for k in ("weight", "bias"))
    losses = []
    for _ in range(2000):
        z = mu + std * chance.standard_normal(std.shape)
        recon = np.maximum(z @ w1.T + b1, 0) @ w2.T + b2
        losses.append(float(((recon - X) ** 2).sum() + source.array("kl")))
    assert mean == pytest.approx(np.mean(losses), abs=4 * float(np.std(losses)) / 8)
    assert spread == pytest.approx(np.std(losses), rel=0.4)
    assert said(run_says.luck, plain()) == ""


def test_what_one_step_changes() -> None:
    source = run_of()
    words = said(run_says.step, source)
    predicted = 0.01 * sum(float(np.square(source.gradients[n]).sum()) for n in source.learning)
    assert f"lowers the loss by 2.4753: 38 % of the {predicted:.4f} that the gradients" in words
    assert "fc_mu.weight brings 27 %, fc_dec2.weight 24 % and fc_dec2.bias 19 %" in words
    assert "raises the loss" in said(run_says.step, source, lr=0.5)
    small = said(run_says.step, source, lr=1e-6)
    assert "100 % of" in small
    frozen = Autoencoder().requires_grad_(False)
    nothing = run(held(frozen, torch.tensor(X, requires_grad=False), 1))
    assert said(run_says.step, nothing) == ""


def test_the_gaussian_of_a_squared_error() -> None:
    words = said(run_says.gaussian, run_of())
    assert "of variance 0.5. " in words
    assert "The effective β is 1 for the loss as it is written (squares without a ½)" in words
    twice = said(run_says.gaussian, run_of(beta=2.0))
    assert "of variance 1. " in twice
    assert "The effective β is 2 for" in twice
    assert said(run_says.gaussian, run_of(x=((0.3, 0.5, 0.1, 1.0),), recon="bce")) == ""
    assert said(run_says.gaussian, plain()) == ""


def test_at_most_eight_sentences_are_said() -> None:
    assert len(run_says.RULES) <= 8
    assert len(sentences(run_of())) == 7
    assert all(statement.parts[-1].endswith(".") for statement in sentences(run_of()))  # type: ignore[union-attr]


def test_it_stands_at_the_end_of_whole_pages_alone(cli: CommandLine) -> None:
    for command in ("forward", "backward"):
        assert "What this run says" in cli(command).out
    assert "What this run says" not in cli("forward", "--step", "z").out
    assert "What this run says" not in cli("backward", "--term", "kl").out
    text = cli("document").out
    assert text.index("What this run says") < text.index("What a VAE is")


def test_a_loss_of_one_number_in_an_array_is_spoken_of_too() -> None:
    """A sum over all but the rows, of a batch of one row."""

    def of_rows(model: Autoencoder, x: torch.Tensor) -> torch.Tensor:
        error: torch.Tensor = ((model.dec(model.enc(x)) - x) ** 2).sum(dim=1)
        return error

    source = run(held(Autoencoder(), torch.tensor(X, requires_grad=False), 1, objective=of_rows))
    assert source.trace.loss.shape == (1,)
    assert run_says.sentences(source)
