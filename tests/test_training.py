"""Training: equal to a plain PyTorch loop bit for bit, any step of it opened."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain.analysis import training
from vae_explain.analysis.training_records import (
    OptimizerName,
    Training,
    TrainingPlan,
)
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.models.request import Request
from vae_explain.pages.checks import compared_lines
from vae_explain.pages.walkthrough import training as page

from .pages import FLOAT32, CommandLine, claims, section_with, text_of, wrong

X = ((1.0, 2.0, 3.0, 4.0),)
BATCH = ((1.0, 2.0, 3.0, 4.0), (-0.5, 0.25, 1e-3, 7.0))
OPTIMIZERS: tuple[OptimizerName, ...] = ("sgd", "adam")


@dataclass(frozen=True)
class Plain:
    """What a loop that knows nothing of this package's training gives."""

    losses: list[float]
    model: VAE
    optimizer: torch.optim.Optimizer


def plain_loop(name: str, seed: int, steps: int, lr: float, rows: Any) -> Plain:
    """Train as a textbook does."""
    torch.manual_seed(seed)
    model = VAE()
    x = torch.tensor(rows)
    optimizer: torch.optim.Optimizer
    if name == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        recon_x, mu, logvar = model(x)
        loss = vae_loss(recon_x, x, mu, logvar)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # PyTorch's own has no types
        optimizer.step()
        losses.append(loss.item())
    return Plain(losses, model, optimizer)


def bits(array: Any) -> bytes:
    """Return an array's bytes, so that -0.0 differs from 0.0 and NaN equals itself."""
    return np.ascontiguousarray(array).tobytes()


@pytest.fixture(scope="module")
def opened() -> dict[OptimizerName, Training]:
    """Short trainings with their fourth step opened."""
    return {
        name: training.train(TrainingPlan(Request(X, 7), 6, 0.01, name, explain=3))
        for name in OPTIMIZERS
    }


# --- the loop ---------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [X, BATCH], ids=["one row", "batch"])
@pytest.mark.parametrize("seed", [0, 7, 42, 2**40])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_equals_a_plain_loop_bit_for_bit(name: OptimizerName, seed: int, rows: Any) -> None:
    steps = 25
    plain = plain_loop(name, seed, steps, 0.003, rows)
    # Opening a step must not disturb the ones that follow it.
    found = training.train(TrainingPlan(Request(rows, seed), steps, 0.003, name, explain=11))
    assert [entry.loss for entry in found.losses] == plain.losses
    assert [entry.step for entry in found.losses] == list(range(steps))
    for key, parameter in plain.model.named_parameters():
        assert bits(found.parameters[key]) == bits(parameter.detach().numpy()), key


def test_the_terms_add_up_to_the_loss() -> None:
    found = training.train(TrainingPlan(Request(X), 10, 0.01))
    for entry in found.losses:
        recon, kl = map(np.float32, entry.terms)
        assert recon + kl == np.float32(entry.loss)


def test_leaves_the_callers_generator_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    training.train(TrainingPlan(Request(X), 3, 0.01, "adam", explain=1))
    assert torch.equal(torch.get_rng_state(), before)


def test_reports_every_step() -> None:
    done: list[int] = []
    training.train(TrainingPlan(Request(X), 4, 0.01), done.append)
    assert done == [1, 2, 3, 4]


def test_other_architectures_train() -> None:
    architecture = Architecture(dims=(3, 5, 2, 5, 3), recon="bce", beta=0.5)
    request = Request(((0.1, 0.9, 0.5),), source=architecture)
    found = training.train(TrainingPlan(request, 3, 0.01, "adam", explain=1))
    for entry in found.losses:
        recon, kl = entry.terms
        assert entry.loss == pytest.approx(recon + 0.5 * kl, rel=1e-6)
    walkthrough, checks = page.training(found)
    assert checks.lines
    assert not checks.failed
    assert "reconstruction (bce)" in text_of(walkthrough, 80)


# --- a step opened ----------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_opened_step_is_the_one_of_the_loop(
    name: OptimizerName, opened: dict[OptimizerName, Training]
) -> None:
    step = opened[name].explained
    assert step is not None
    before, after = (plain_loop(name, 7, count, 0.01, X) for count in (3, 4))
    assert float(step.run.array("loss")) == opened[name].losses[3].loss
    for key, parameter in before.model.named_parameters():
        assert bits(step.run.array(key)) == bits(parameter.detach().numpy()), key
    for key, parameter in after.model.named_parameters():
        assert bits(step.after[key]) == bits(parameter.detach().numpy()), key
        assert parameter.grad is not None
        assert np.array_equal(step.run.gradient(key), parameter.grad.numpy()), key
        if name == "adam":
            state = after.optimizer.state[parameter]
            assert bits(step.moments_after[key]["m"]) == bits(state["exp_avg"].numpy())
            assert bits(step.moments_after[key]["v"]) == bits(state["exp_avg_sq"].numpy())


@pytest.mark.parametrize("at", [0, 1, 5])
@pytest.mark.parametrize("seed", [0, 3, 42])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_line_of_an_opened_step_agrees(name: OptimizerName, seed: int, at: int) -> None:
    found = training.train(TrainingPlan(Request(BATCH, seed), at + 1, 0.002, name, explain=at))
    walkthrough, checks = page.training(found)
    lines = list(compared_lines(walkthrough.blocks))
    assert checks.failed == 0, [line for line in lines if not line.agrees]
    assert checks.lines == len(lines) > 300
    assert checks.largest_relative_difference < 1e-5


def test_a_wrong_update_is_marked(opened: dict[OptimizerName, Training]) -> None:
    step = opened["adam"].explained
    assert step is not None
    step.after["fc_mu.bias"][1] += 1e-5
    try:
        walkthrough, checks = page.training(opened["adam"], ["fc_mu.bias"])
    finally:
        step.after["fc_mu.bias"][1] -= 1e-5
    assert checks.failed == 1
    assert "not equal to torch.optim's: [1]" in text_of(walkthrough, 120)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_printed_update_can_be_computed_again(
    name: OptimizerName, width: int, opened: dict[OptimizerName, Training]
) -> None:
    walkthrough, _ = page.training(opened[name], ["fc_mu.bias", "fc1.bias"])
    text = text_of(walkthrough, width)
    assert max(map(len, text.splitlines())) <= width
    for parameter in ("fc_mu.bias", "fc1.bias"):
        section = section_with(text, f"{parameter}_new = " if width > 40 else f"{parameter}_new")
        found = claims(section)
        assert len(found) >= 2, section
        assert wrong(found, FLOAT32) == []


def test_moments_that_overflow_are_said_so() -> None:
    rows = ((200.0,) * 4,)
    found = training.train(TrainingPlan(Request(rows, 4), 1, 0.01, "adam", explain=0))
    assert found.explained is not None
    walkthrough, checks = page.training(found)
    assert checks.failed == 0
    assert "g² is too large for float32" in text_of(walkthrough, 120)


# --- divergence -------------------------------------------------------------------------


def test_a_run_that_diverges_stops_and_keeps_what_it_has(cli: CommandLine) -> None:
    plain = plain_loop("sgd", 42, 3, 5.0, X)
    assert math.isfinite(plain.losses[0])
    assert not math.isfinite(plain.losses[1])
    outcome = cli("train", "--lr", "5", "--steps", "50", "--format", "json")
    assert outcome.code == 1
    document = json.loads(outcome.out, parse_constant=lambda word: pytest.fail(word))
    assert [entry["step"] for entry in document["steps"]] == [0, 1]
    assert document["steps"][1]["loss"] in ("Infinity", "NaN")
    assert document["diverged_at"] == 1
    once = plain_loop("sgd", 42, 1, 5.0, X)
    kept = np.asarray(document["values"]["fc1.weight"], dtype=np.float32)
    assert bits(kept) == bits(dict(once.model.named_parameters())["fc1.weight"].detach().numpy())


@pytest.mark.parametrize("columns", [40, 80])
def test_a_diverged_run_says_so(cli: CommandLine, columns: int) -> None:
    outcome = cli("train", "--lr", "5", "--explain-step", "9", columns=columns)
    assert outcome.code == 1
    words = " ".join(outcome.out.split())
    assert "The run diverged: step 1 of 200 steps is the first" in words
    assert "Step 9 cannot be opened." in words
    assert max(map(len, outcome.out.splitlines())) <= columns
    assert not outcome.err


def test_overflow_by_the_last_update_counts() -> None:
    found = training.train(TrainingPlan(Request(((3e18, 0.0, 0.0, 0.0),), 0), 1, 1e30))
    assert found.diverged_at == 0
