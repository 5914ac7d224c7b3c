"""`check`: a run's gradients against three oracles, its page, its JSON and its errors."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pages import command_line, text_of
from vae_explain.analysis import gradient_check, numpy_oracle
from vae_explain.analysis.differences import EPSILON, best, quotients
from vae_explain.analysis.gradient_check import (
    AUTOGRAD,
    CENTRAL,
    COMPLEX_STEP,
    ORACLES,
    Check,
    check,
)
from vae_explain.analysis.judge import Difference, difference
from vae_explain.engine.run import Arithmetic
from vae_explain.engine.sensitivity import Sensitivity
from vae_explain.models.builtin_config import ACTIVATIONS, ActivationName, Architecture
from vae_explain.models.request import Request
from vae_explain.pages.walkthrough.checking import checking as page
from vae_explain.pages.walkthrough.repeated import listed
from vae_explain.pipeline import run, run_in_float64

X = ((1.0, 2.0, 3.0, 4.0),)
BATCH = (*X, (-0.5, 0.25, 1.5, -2.0))


def checked(arithmetic: Arithmetic = "full") -> Check:
    return check(run(Request(x=X, arithmetic=arithmetic)))


@pytest.mark.parametrize("arithmetic", ["printed", "full"])
@pytest.mark.parametrize("x", [X, BATCH], ids=["one row", "two rows"])
@pytest.mark.parametrize("seed", [0, 7, 42])
def test_a_run_passes(seed: int, x: tuple[tuple[float, ...], ...], arithmetic: Arithmetic) -> None:
    found = check(run(Request(x=x, seed=seed, arithmetic=arithmetic)))

    assert found.passed
    assert len(found.parameters) == 10
    for parameter in found.parameters:
        assert tuple(parameter.differences) == ORACLES
        assert parameter.differences[COMPLEX_STEP].relative < 1e-13, parameter.name
        assert parameter.differences[CENTRAL].conclusive, parameter.name
    assert sum(parameter.count for parameter in found.parameters) == 136


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    x=st.lists(st.floats(-30, 30, width=32), min_size=4, max_size=4),
    arithmetic=st.sampled_from(["printed", "full"]),
)
def test_any_run_passes(seed: int, x: list[float], arithmetic: Arithmetic) -> None:
    assert check(run(Request(x=(tuple(x),), seed=seed, arithmetic=arithmetic))).passed


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("recon", ["mse", "bce"])
def test_every_architecture_passes(
    recon: Literal["mse", "bce"], reduction: Literal["sum", "mean"], activation: ActivationName
) -> None:
    architecture = Architecture(
        (3, 5, 4, 2, 4, 5, 3), activation=activation, recon=recon, reduction=reduction, beta=0.5
    )
    request = Request(
        x=((0.1, 0.5, 0.9), (0.2, 1.0, 0.0)), arithmetic="printed", source=architecture
    )
    assert check(run(request), architecture).passed


def test_the_differences_are_those_of_the_numbers() -> None:
    result = run(Request(x=X, arithmetic="full"))
    (parameter,) = (p for p in check(result).parameters if p.name == "fc_mu.bias")

    number = result.value("fc_mu.bias").id
    apart = np.abs(result.hand_gradients[number] - result.trace.gradients[number]).max()

    assert parameter.differences[AUTOGRAD].absolute == apart
    assert parameter.shape == (2,)


def test_one_wrong_element_fails() -> None:
    result = run(Request(x=X, arithmetic="full"))
    number = result.value("fc1.weight").id
    result.hand_gradients[number][7, 3] += 0.01

    found = check(result)

    assert [p.name for p in found.parameters if not p.passed] == ["fc1.weight"]
    assert not any(d.passed for d in found.parameters[0].differences.values())


def test_a_gradient_that_is_not_finite_fails() -> None:
    found = difference(np.array([np.nan, 1.0]), np.array([1.0, 1.0]), 1e-6)
    assert not found.passed


def test_a_difference_is_relative_to_the_largest_number() -> None:
    found = difference(np.array([2.0, 0.5]), np.array([2.0, 0.0]), 0.6)
    assert found == Difference(absolute=0.5, relative=0.25, passed=True)


def test_central_differences_across_a_kink_are_given_their_error() -> None:
    result = run(Request(x=X, arithmetic="full"))
    parameters = {v.name: v.array for v in result.trace.values if v.kind == "parameter" and v.name}
    # One unit of the encoder exactly at its kink: half of the slope on its open side.
    bias = parameters["fc1.bias"].astype(np.float64)
    pre = np.asarray(X) @ parameters["fc1.weight"].astype(np.float64).T + bias
    moved = {**parameters, "fc1.bias": bias - pre[0] * (np.arange(8) == 0)}
    inputs = moved, np.asarray(X), result.array("eps")

    exact = numpy_oracle.complex_step(*inputs)["fc1.bias"]
    central, error = (found["fc1.bias"] for found in numpy_oracle.central_differences(*inputs))

    assert abs(exact[0] - central[0]) > 1e-3
    assert np.all(np.abs(exact - central) <= error + 1e-8)
    assert error[1:].max() < 1e-4


@pytest.mark.parametrize("steepness", [1.0, 30.0, 1000.0])
def test_a_quotient_where_the_slope_is_largest_is_given_its_error(steepness: float) -> None:
    # There the two one-sided quotients are alike, however far a step has gone.
    def wave(number: float) -> float:
        return 1 + math.sin(steepness * number)

    central, error = best(quotients(wave, 0.0, 1.0, EPSILON))
    assert abs(central - steepness) <= error
    assert error < 1e-4 * steepness


# --- the command ------------------------------------------------------------------------


def test_json() -> None:
    outcome = command_line("check", "--format", "json", "--seed", "7")
    found = json.loads(outcome.out)

    assert (outcome.code, found["schema"], found["command"]) == (0, 1, "check")
    assert (found["arithmetic"], found["seed"], found["passed"]) == ("full", 7, True)
    names = [entry["name"] for entry in found["parameters"]]
    assert names[0] == "fc1.weight"
    assert len(names) == 10
    for entry in found["parameters"]:
        assert entry["passed"] is True
        for name in ORACLES:
            assert 0 <= entry[name]["relative"] < 1e-4
            assert entry[name]["absolute"] >= 0


def test_json_of_a_batch_in_printed_arithmetic() -> None:
    rows = ("--x", "1,2,3,4", "--x", "0,0,0,0", "--eps", "1,1", "--eps", "0,-2")
    found = json.loads(
        command_line("check", *rows, "--arithmetic", "printed", "--format", "json").out
    )
    assert found["arithmetic"] == "printed"
    assert found["passed"] is True
    assert max(entry[AUTOGRAD]["relative"] for entry in found["parameters"]) < 1e-12


def test_of_a_large_model_some_numbers_are_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradient_check, "MOST_WORK", 0)
    outcome = command_line("check", "--dims", "40-8-2-8-40", "--x", ",".join(["0.5"] * 40))
    words = " ".join(outcome.out.split())
    assert outcome.code == 0
    assert "Complex steps and central differences moved 10 of 748 numbers" in words
    assert "748 gradients of 10 parameters compared with 3 independent computations" in words


def test_many_parameters_have_a_row_for_each_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = checked()
    (one,) = [each for each in whole.parameters if each.name == "fc1.weight"]
    worst = Difference(absolute=1e-9, relative=0.5, passed=True)
    many = [replace(one, name=f"layers.{n}.weight") for n in range(100)]
    many[40] = replace(many[40], differences={**one.differences, AUTOGRAD: worst})
    others = [replace(one, name=f"heads.{n}.bias") for n in range(9)]
    wrong = {AUTOGRAD: replace(worst, passed=False)}
    failed = [replace(each, name=f"wrong.{each.name}", differences=wrong) for each in many[:2]]
    text = text_of(page(replace(whole, parameters=(*many, *others, *failed))), 100)
    tables = text.partition("Largest relative")[2].partition("111 parameters in 4 rows")
    assert tables[1]
    for name in ("layers.40.weight", "heads.0.bias", *(each.name for each in failed)):
        assert tables[0].count(name) == 2
    assert "layers.41.weight" not in tables[0]


def test_each_number_is_moved_in_some_run_that_measures_what_rounding_does() -> None:
    # Behind a sigmoid that is 1 but for a few of its last digits, one rounding decides alone.
    architecture = Architecture((30, 20, 5, 20, 30))
    made = run(Request(x=((0.5,) * 30,), source=architecture))
    sensitivity = Sensitivity(made, made.precision)
    for value in made.trace.parameters:
        moved = sensitivity.of("values", value.id)
        assert np.array_equal(moved > 0, value.array != 0)


def test_runs_that_measure_rounding_keep_what_is_asked_for_alone() -> None:
    architecture = Architecture((64, 64, 8, 64, 64))
    made = run(Request(x=((0.5,) * 64,) * 400, source=architecture, arithmetic="full"))
    numbers = sum(array.nbytes for array in made.hand_values.values())
    sensitivity = Sensitivity(made, made.precision)
    tracemalloc.start()
    sensitivity.of("gradients", made.trace.parameters[0].id)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < numbers / 4
    assert most < 3 * numbers


def test_a_failure_is_exit_code_1_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sensitivity, "most", -1.0)
    outcome = command_line("check")

    assert outcome.code == 1
    assert "fc1.weight.grad is off autograd by" in " ".join(outcome.out.split())
    assert "10 parameters failed" in " ".join(outcome.out.split())
    assert json.loads(command_line("check", "--format", "json").out)["passed"] is False


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_page_fits_and_says_all(width: int, ascii_only: bool) -> None:
    text = text_of(page(checked()), width, ascii_only=ascii_only)

    assert max(map(len, text.splitlines())) <= width
    for name in ("fc1.weight", "fc_dec2.bias", "autograd"):
        assert name in text
    assert "agrees" in text
    assert "FAILED" not in text
    assert not ascii_only or text.isascii()


def test_what_is_too_coarse_says_so() -> None:
    # exp of a large log-variance makes a loss whose rounding hides the mean's gradient.
    found = check(run(Request(x=((100.0,) * 4,), seed=4, arithmetic="printed")))
    coarse = [p.name for p in found.parameters if not p.differences[CENTRAL].conclusive]
    assert found.passed
    assert "fc_mu.bias" in coarse
    words = " ".join(text_of(page(found), 160).split())
    assert f"too coarse for {listed(coarse)} here" in words


def test_numbers_too_small_for_float32_are_not_failed_and_say_so() -> None:
    asked = Request(x=((0.0, 0.0, 0.0, 1.4e-45),), seed=0, arithmetic="full")
    result = run(asked)
    found = check(result, again=lambda: run_in_float64(asked, result))
    lost = [p.name for p in found.parameters if p.differences[AUTOGRAD].in_float64]
    assert found.passed
    assert lost == ["fc1.weight"]
    assert "PyTorch's own gradients of fc1.weight have lost digits" in text_of(page(found), 160)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seed", "x"), "--seed x: a seed is a whole number"),
        (("--arithmetic", "both"), "--arithmetic both: choose printed or full"),
        (("--x", "1,2"), "--x 1,2: 2 given, but the model takes 4"),
    ],
)
def test_errors_are_one_line(arguments: tuple[str, ...], said: str) -> None:
    outcome = command_line("check", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
