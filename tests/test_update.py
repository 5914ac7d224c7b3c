"""One step of gradient descent: equal to PyTorch's, its lines recomputed, the loss twice."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch

from vae_explain.analysis.gradient_step import first_step
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.models.builtin_vae import VAE, vae_loss
from vae_explain.models.request import Request
from vae_explain.pages.walkthrough import update as page

from .pages import FLOAT32, CommandLine, claims, sections, wrong

X = ((1.0, 2.0, 3.0, 4.0),)
BATCH = ((1.0, 2.0, 3.0, 4.0), (-0.5, 0.25, 1e-3, 7.0))


def plain_step(seed: int, lr: float, rows: Any) -> tuple[float, float, VAE]:
    """Take one step as a textbook does, and draw the same noise again for the loss after it."""
    torch.manual_seed(seed)
    model = VAE()
    x = torch.tensor(rows)
    state = torch.get_rng_state()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    recon_x, mu, logvar = model(x)
    before = vae_loss(recon_x, x, mu, logvar)
    before.backward()  # type: ignore[no-untyped-call] # PyTorch's own has no types
    optimizer.step()
    torch.set_rng_state(state)
    recon_x, mu, logvar = model(x)
    return before.item(), vae_loss(recon_x, x, mu, logvar).item(), model


@pytest.mark.parametrize("rows", [X, BATCH], ids=["one row", "batch"])
@pytest.mark.parametrize("lr", [0.01, 1e-6, 0.3])
@pytest.mark.parametrize("seed", [0, 7, 42, 123456789])
def test_equals_a_plain_step_bit_for_bit(seed: int, lr: float, rows: Any) -> None:
    before, after, model = plain_step(seed, lr, rows)
    found = first_step(Request(x=rows, seed=seed, arithmetic="full"), lr)
    assert float(found.step.run.array("loss")) == before
    assert found.after is not None
    assert float(found.after.array("loss")) == after
    for key, parameter in model.named_parameters():
        assert found.step.after[key].tobytes() == parameter.detach().numpy().tobytes(), key
    _, checks = page.update(found, BUILT_IN.parameters)
    assert checks.lines == sum(array.size for array in found.step.after.values())
    assert checks.failed == 0


def test_given_noise_is_used_before_and_after() -> None:
    found = first_step(Request(x=X, eps=(0.5, -1.0), arithmetic="full"), 0.01)
    assert found.after is not None
    for run in (found.step.run, found.after):
        assert run.array("eps").tolist() == [[0.5, -1.0]]
    z = found.after.array("mu") + found.after.array("std") * found.after.array("eps")
    assert np.array_equal(found.after.array("z"), z)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_page_can_be_computed_again(cli: CommandLine, columns: int) -> None:
    outcome = cli(
        "update", "--lr", "0.02", "--param", "fc1.bias", "--param", "fc_mu.weight", columns=columns
    )
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= columns
    found = sections(outcome.out)
    assert [section.split("\n")[0].split()[2] for section in found[:2]] == [
        "fc1.bias",
        "fc_mu.weight",
    ]
    for section, count in zip(found, (8, 16), strict=False):
        lines = claims(section)
        assert len(lines) == count
        assert wrong(lines, FLOAT32) == []
    assert "The loss fell." in outcome.out


def test_the_example_is_a_number_that_moves(cli: CommandLine) -> None:
    """The largest of all stands behind a closed gate here and does not move."""
    assert "fc1.weight_new[0,3] = 0.45930564" in cli("update").out


def test_without_param_every_parameter_moves(cli: CommandLine) -> None:
    outcome = cli("update")
    assert outcome.code == 0
    assert all(f"Move {name}\n" in outcome.out for name in BUILT_IN.parameters)
    assert wrong(claims(outcome.out), FLOAT32) == []


def test_a_step_that_is_too_long(cli: CommandLine) -> None:
    rose = cli("update", "--lr", "0.3")
    assert rose.code == 0
    assert "The loss rose" in rose.out
    broke = cli("update", "--lr", "1e20", "--format", "json")
    assert broke.code == 1
    document = json.loads(broke.out, parse_constant=lambda word: pytest.fail(word))
    assert document["loss_after"] in ("NaN", "Infinity")
    assert cli("update", "--lr", "1e20").code == 1


def test_json(cli: CommandLine) -> None:
    outcome = cli("update", "--lr", "0.05", "--seed", "7", "--format", "json")
    assert outcome.code == 0
    document = json.loads(outcome.out)
    before, after, model = plain_step(7, 0.05, X)
    assert document["schema"] == 1
    assert document["command"] == "update"
    assert document["lr"] == 0.05
    assert document["seed"] == 7
    assert document["torch"] == torch.__version__.split("+")[0]
    assert (document["loss_before"], document["loss_after"]) == (before, after)
    assert document["values"] == {key: p.tolist() for key, p in model.named_parameters()}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lr", "0"),
        ("--lr", "abc"),
        ("--lr", "1e400"),
        ("--param", "mu"),
        ("--param", "fc1.wieght"),
        ("--eps", "1"),
        ("--seed", "-1"),
        ("--digits", "18"),
    ],
    ids=" ".join,
)
def test_a_bad_request_is_one_line(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    outcome = cli("update", *arguments)
    assert outcome.code == 2
    assert not outcome.out
    assert outcome.err.startswith(f"vae-explain: error: {arguments[0]} ")
    assert outcome.err.count("\n") == 1


def test_a_run_that_overflows_before_the_step(cli: CommandLine) -> None:
    outcome = cli("update", "--x", "1e20,0,0,0")
    assert outcome.code == 2
    assert "overflows" in outcome.err
