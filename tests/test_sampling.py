"""`sample`: statistics over draws against a plain loop, the page, the JSON and the errors."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.pages import command_line, text_of
from vae_explain.analysis.monte_carlo import AT_ONCE, Divergence, Moments, Sample, Spread, sample
from vae_explain.analysis.noise_stream import draws
from vae_explain.engine.run import Arithmetic, Run
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Table
from vae_explain.pages.walkthrough.sampling import kl_note
from vae_explain.pages.walkthrough.sampling import sampling as page
from vae_explain.pipeline import run
from vae_explain.trace import Array

X = ((1.0, 2.0, 3.0, 4.0),)
BATCH = (*X, (-0.5, 0.25, 1.5, -2.0))


def of(found: Sample) -> Divergence:
    """Return what a sample says of the KL."""
    assert found.divergence is not None
    return found.divergence


def sampled(count: int, seed: int = 42, arithmetic: Arithmetic = "full") -> Sample:
    request = Request(x=X, seed=seed, arithmetic=arithmetic)
    return sample(run(request), draws(request, count))


# --- the draws --------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
@pytest.mark.parametrize("x", [X, BATCH, X * 9], ids=["1", "2", "9 rows"])
@pytest.mark.parametrize("seed", [0, 42])
def test_the_first_draw_is_the_runs_own(
    seed: int, x: tuple[tuple[float, ...], ...], arithmetic: Arithmetic
) -> None:
    request = Request(x=x, seed=seed, arithmetic=arithmetic)
    (first,) = draws(request, 1)
    np.testing.assert_array_equal(first, run(request).array("eps"))


def test_the_draws_are_those_of_a_plain_loop() -> None:
    from vae_explain.models.builtin_vae import VAE

    torch.manual_seed(7)
    VAE()
    expected = [torch.randn_like(torch.empty(2, 2)).numpy() for _ in range(5)]
    state = torch.get_rng_state()

    found = list(draws(Request(x=BATCH, seed=7, arithmetic="full"), 5))

    np.testing.assert_array_equal(found, np.array(expected, np.float64))
    assert torch.equal(torch.get_rng_state(), state), "the global generator was used"


# --- the statistics ---------------------------------------------------------------------


def loop(request: Request, count: int) -> list[Run]:
    """Run the model once for each draw."""
    return [
        run(
            Request(
                x=request.x,
                seed=request.seed,
                eps=tuple(float(number) for number in draw.ravel()),
                arithmetic=request.arithmetic,
                source=request.source,
            )
        )
        for draw in draws(request, count)
    ]


@pytest.mark.parametrize(("arithmetic", "relative"), [("printed", 1e-9), ("full", 1e-5)])
@pytest.mark.parametrize("x", [X, BATCH], ids=["one row", "two rows"])
def test_statistics_are_those_of_a_plain_loop(
    x: tuple[tuple[float, ...], ...], arithmetic: Arithmetic, relative: float
) -> None:
    count = 7
    request = Request(x=x, seed=3, arithmetic=arithmetic)
    runs = loop(request, count)
    found = sample(run(request), draws(request, count))

    assert found.draws == count
    assert list(found.values) == ["z", "recon_x", "mse", "kl", "loss"]
    assert len(found.gradients) == 10
    compared = [(spread, [r.array(name) for r in runs]) for name, spread in found.values.items()]
    compared += [(s, [r.gradient(name) for r in runs]) for name, s in found.gradients.items()]
    for spread, arrays in compared:
        stacked = np.array(arrays, np.float64)
        assert spread.mean.shape == stacked.shape[1:]
        size = np.abs(stacked).max() or 1.0
        assert np.abs(spread.mean - stacked.mean(axis=0)).max() <= relative * size
        assert np.abs(spread.std - stacked.std(axis=0, ddof=1)).max() <= relative * size
        np.testing.assert_array_equal(spread.positive, (stacked > 0).sum(axis=0))
        changes = (stacked > 0).any(axis=0) & (stacked < 0).any(axis=0)
        assert spread.sign_changes == changes.sum()
    assert found.first.passed


def test_more_draws_than_are_added_up_at_once() -> None:
    request = Request(x=X, arithmetic="full")
    result = run(request)
    noise = list(draws(request, AT_ONCE + 50))
    found = sample(result, iter(noise))

    z = (
        np.array([result.hand_values[result.value("mu").id]] * len(noise))
        + np.array(noise) * result.hand_values[result.value("std").id]
    )
    np.testing.assert_allclose(found.values["z"].mean, z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.values["z"].std, z.std(axis=0, ddof=1), rtol=1e-12)


def test_what_no_draw_moves_has_no_spread() -> None:
    found = sampled(300)
    assert found.values["kl"].std == 0
    assert float(found.values["kl"].mean) == of(found).closed_form


def test_adding_draws_takes_little_memory_beside_them() -> None:
    moments = Moments()
    block = np.ones((2, 500_000))
    moments.add(block)
    tracemalloc.start()
    moments.add(block)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < block.nbytes / 2


def test_progress_is_reported_up_to_the_end() -> None:
    request = Request(x=X)
    reported: list[int] = []
    sample(run(request), draws(request, 600), reported.append)
    assert reported[-1] == 600
    assert reported == sorted(reported)
    assert len(reported) > 1


# --- the KL -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 7, 42, 123, 2024])
def test_the_estimate_is_within_four_standard_errors(seed: int) -> None:
    found = sampled(500, seed)
    assert of(found).standard_error > 0
    off = abs(of(found).monte_carlo - of(found).closed_form)
    assert off <= 4 * of(found).standard_error


def test_the_estimate_is_the_mean_of_the_densities_ratio() -> None:
    found = sampled(20)
    result = found.run
    mu, std = (torch.tensor(result.hand_values[result.value(n).id]) for n in ("mu", "std"))
    posterior = torch.distributions.Normal(mu, std)
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(std))
    ratios = []
    for draw in draws(Request(x=X, arithmetic="full"), 20):
        z = mu + std * torch.tensor(draw)
        ratio = posterior.log_prob(z) - prior.log_prob(z)  # type: ignore[no-untyped-call] # torch's
        ratios.append(float(ratio.sum()))
    assert of(found).monte_carlo == pytest.approx(np.mean(ratios), rel=1e-12)
    expected = np.std(ratios, ddof=1) / math.sqrt(20)
    assert of(found).standard_error == pytest.approx(expected, rel=1e-12)


def test_a_loss_that_averages_has_an_estimate_that_averages() -> None:
    architecture = Architecture(reduction="mean")
    request = Request(x=BATCH, arithmetic="full", source=architecture)
    found = sample(run(request), draws(request, 800), averaged=True)
    assert of(found).closed_form == pytest.approx(float(found.run.array("kl")), rel=1e-5)
    off = abs(of(found).monte_carlo - of(found).closed_form)
    assert off <= 4 * of(found).standard_error


def test_the_verdict_is_in_words() -> None:
    found = sampled(50)
    assert kl_note(of(found)).tone == "check"
    assert "within 3" in kl_note(of(found)).text
    far = replace(of(found), closed_form=of(found).closed_form + 10)
    assert kl_note(far).tone == "warning"
    assert "not within 3" in kl_note(far).text


# --- the command ------------------------------------------------------------------------


def test_json() -> None:
    outcome = command_line("sample", "--draws", "20", "--format", "json")
    found = json.loads(outcome.out)

    assert (outcome.code, outcome.err) == (0, "")
    assert (found["schema"], found["command"], found["draws"]) == (1, "sample", 20)
    assert found["seed"] == 42
    assert np.shape(found["values"]["z"]["mean"]) == (1, 2)
    assert np.shape(found["values"]["loss"]["std"]) == ()
    assert np.shape(found["gradients"]["fc1.weight"]["mean"]) == (8, 4)
    assert np.shape(found["gradients"]["fc1.weight"]["std"]) == (8, 4)
    same = sampled(20)
    for name, spread in same.gradients.items():
        assert found["gradients"][name]["sign_changes"] == spread.sign_changes
    assert found["kl_monte_carlo"] == of(same).monte_carlo
    assert found["kl_standard_error"] == of(same).standard_error
    assert found["kl_closed_form"] == of(same).closed_form


def test_the_page_says_what_the_numbers_are() -> None:
    outcome = command_line("sample", "--draws", "30")
    text = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "replayed in float64" in text
    assert "30 draws of ε" in text
    assert "Monte Carlo" in text
    assert "agrees with PyTorch's" in text


def test_the_page_goes_through_each_gradient_a_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    found, through = sampled(25), list[int]()

    def counted(spread: Spread) -> Array:
        through.append(spread.mean.size)
        return np.minimum(spread.positive, spread.negative)

    monkeypatch.setattr(Spread, "rarer", property(counted))
    page(found)
    numbers = sum(spread.mean.size for spread in found.gradients.values())
    assert 0 < sum(through) <= 5 * numbers


def test_the_most_even_signs_come_first() -> None:
    found = sampled(25)
    elements = [
        (-int(spread.rarer[at]), f"{name}[{','.join(map(str, at))}]")
        for name, spread in found.gradients.items()
        for at in np.ndindex(spread.rarer.shape)
        if spread.rarer[at]
    ]
    expected = [label for _, label in sorted(elements, key=lambda each: each[0])]
    tables = [block for block in page(found).blocks if isinstance(block, Table)]
    shown = [row[0] for row in tables[-1].rows]
    assert shown == expected[: len(shown)]


def numbers_of(array: Array) -> list[str]:
    return [f"{number:.4f}" for number in array.ravel()]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_number_is_cut_or_wrapped(width: int, ascii_only: bool) -> None:
    found = sampled(25)
    text = text_of(page(found), width, ascii_only=ascii_only)

    assert max(map(len, text.splitlines())) <= width
    assert not ascii_only or text.isascii()
    words = set(text.split())
    for name, spread in found.gradients.items():
        for number in (*numbers_of(spread.mean), *numbers_of(spread.std)):
            if not number.endswith("0.0000"):
                assert number in words, f"{number} of {name} at {width} columns"
    for name, spread in found.values.items():
        for value in spread.mean.ravel():
            assert f"{value:.8f}" in words, f"{name} at {width} columns"


def test_a_batch_and_digits() -> None:
    rows = [argument for row in range(12) for argument in ("--x", f"{row},1,2,3")]
    outcome = command_line("sample", *rows, "--draws", "5", "--digits", "2")
    assert outcome.code == 0
    assert "further elements left out" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--draws", "1"), "--draws 1: a number of draws is a whole number from 2 to 1000000"),
        (("--draws", "1000001"), "--draws 1000001: a number of draws is"),
        (("--draws", "ten"), "--draws ten: a number of draws is"),
        (("--eps", "0,1"), "--eps 0,1: sample draws its own noise"),
        (("--x", "1"), "--x 1: 1 given, but the model takes 4"),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], said: str) -> None:
    outcome = command_line("sample", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_wrong_number_of_draws_is_told_without_torch() -> None:
    program = (
        "import sys; from vae_explain.cli import entry; "
        "code = entry.run(['sample', '--draws', '0']); "
        "assert code == 2; assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
