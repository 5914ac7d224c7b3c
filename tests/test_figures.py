"""The 327 figures of the reference walkthrough: computed, and on the pages as printed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_explain.analysis import reference_figures
from vae_explain.analysis.reference_figures import (
    RENAMED,
    Verification,
    judge,
)
from vae_explain.engine.run import Run
from vae_explain.models.builtin_config import BUILT_IN
from vae_explain.pages.blocks import Walkthrough

from .comparing import not_found, same_figure
from .pages import CommandLine, matrix, numbers_in, section_with, shortest, text_of

FIGURES: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "walkthrough-figures.json").read_text("utf-8")
)
WIDTHS = [80, 120]
LOSSES = {
    "mse": "31.100958927489703",
    "kl": "0.40952290104490313",
    "loss": "31.510481828534605",
}
# The line of the forward page in whose section each value stands.
FORWARD = {name: f"{RENAMED.get(name, name)} = " for name in FIGURES if "." not in name}
FORWARD |= {"x": "x  [", "eps": "eps  [", "encoder_hidden": "encoder_pre = "}
FORWARD |= {"decoder_hidden": "decoder_pre = "}
GRADIENTS = [name for name in FIGURES if name.endswith(".grad")]


def flat(figures: Any) -> Iterator[str]:
    """Yield the strings of a figure, or of a vector or matrix of them."""
    if isinstance(figures, str):
        yield figures
    else:
        for inner in figures:
            yield from flat(inner)


# --- computed ---------------------------------------------------------------------------


def test_all_327_agree(report: Verification) -> None:
    assert sum(len(list(flat(figures))) for figures in FIGURES.values()) == 327
    assert (report.agree, report.total) == (327, 327)
    assert report.passed


def test_the_machine_check_compares_every_number_and_means_it(report: Verification) -> None:
    assert len(report.machine) == 5
    for check in report.machine:
        assert check.numbers > 100, check.name
        assert 0 < check.largest_difference <= check.allowed <= 1e-5, check.name


@pytest.mark.text
@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_in_all_17_digits(name: str, printed_run: Run) -> None:
    assert FIGURES[name] == LOSSES[name]
    assert same_figure(LOSSES[name], repr(float(printed_run.array(name))))


def test_the_zeros_have_their_signs(full_run: Run) -> None:
    for name in GRADIENTS:
        computed = np.ravel(full_run.gradient(name.removesuffix(".grad")))
        for printed, number in zip(flat(FIGURES[name]), computed, strict=True):
            if float(printed) == 0:
                assert math.copysign(1, number) == math.copysign(1, float(printed)), name


# --- judged -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "computed", "verdict"),
    [
        pytest.param("0.3823", 0.38234, "exact", id="4 decimals"),
        pytest.param("0.3823", 0.38236, "wrong", id="4 decimals, wrong digit"),
        pytest.param("-0.0000", -0.0, "exact", id="negative zero"),
        pytest.param("-0.0000", 0.0, "wrong", id="negative zero, wrong sign"),
        pytest.param("0.0000", -0.0, "wrong", id="zero, wrong sign"),
        pytest.param("0.0000", 0.00004, "exact", id="rounded to zero"),
        pytest.param("1.223", 1.2230000000000001, "exact", id="3 decimals"),
        pytest.param("1.223", 1.2236, "wrong", id="3 decimals, wrong digit"),
        pytest.param("0.88977581", 0.88977581049, "exact", id="8 decimals"),
        pytest.param("0.88977581", 0.88977582, "wrong", id="8 decimals, wrong digit"),
        pytest.param("0.", 0.0, "exact", id="exact zero"),
        pytest.param("0.", 1e-300, "wrong", id="exact zero, not zero"),
        pytest.param("31.100958927489703", 31.100958927489703, "exact", id="all digits"),
        pytest.param("31.100958927489703", 31.10095892748971, "wrong", id="2 units off"),
        pytest.param("31.100958927489703", 32.100958927489703, "wrong", id="first digit"),
        pytest.param("0.3823", math.nan, "wrong", id="not a number"),
        pytest.param("0.", math.nan, "wrong", id="zero, not a number"),
        pytest.param("31.100958927489703", math.nan, "wrong", id="all digits, not a number"),
    ],
)
def test_judge(printed: str, computed: float, verdict: str) -> None:
    assert judge(printed, computed) == verdict


@pytest.mark.parametrize(
    ("printed", "computed", "off", "verdict"),
    [
        pytest.param("31.100958927489703", 31.10095892748971, 1e-14, "last place", id="all digits"),
        pytest.param("31.100958927489703", 31.10095892748973, 1e-14, "wrong", id="8 units off"),
        pytest.param("-1.7679", -1.7678495, 1e-6, "last place", id="on the edge"),
        pytest.param("-1.7679", -1.7678495, 1e-7, "wrong", id="not on the edge"),
        pytest.param("-1.7679", -1.7677514, 1e-6, "wrong", id="a digit further"),
        pytest.param("-0.0000", 0.0, 1e-6, "last place", id="zero on the edge of its sign"),
        pytest.param("-0.0000", 0.0, 0.0, "wrong", id="exact zero, wrong sign"),
        pytest.param("0.", 1e-9, 1e-6, "wrong", id="exact zero, not zero"),
    ],
)
def test_judge_by_what_another_processor_may_be_off(
    printed: str, computed: float, off: float, verdict: str
) -> None:
    assert judge(printed, computed, off) == verdict


def tamper(monkeypatch: pytest.MonkeyPatch, path: Path, name: str, figure: str) -> None:
    """Let `verify` read figures of which one is another; `name` is `mu[1]` or `loss`."""
    figures = json.loads(json.dumps(FIGURES))
    plain, _, index = name.rstrip("]").partition("[")
    place = figures
    keys: list[Any] = [plain, *(int(i) for i in index.split(",") if i)]
    for key in keys[:-1]:
        place = place[key]
    assert place[keys[-1]] != figure
    place[keys[-1]] = figure
    (path / "fixtures").mkdir()
    (path / "fixtures" / reference_figures.FIGURES).write_text(
        json.dumps(figures), encoding="utf-8"
    )
    monkeypatch.setattr(
        reference_figures, "__file__", str(path / "analysis" / "reference_figures.py")
    )


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("fc1.weight[0,0]", "0.3824"),
        ("mu[1]", "-0.07508314"),
        ("encoder_hidden[7]", "0.1"),
        ("fc_dec2.weight.grad[3,0]", "0.0000"),
        ("loss", "31.510481828534705"),
    ],
)
def test_a_wrong_figure_is_named_and_makes_the_exit_code_1(
    name: str, figure: str, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(monkeypatch, tmp_path, name, figure)
    outcome = cli("verify", columns=120)
    assert outcome.code == 1
    words = outcome.out.split()
    assert f"{name}:" in words
    assert f"{figure}," in words
    assert "326 of 327" in outcome.out


def test_a_wrong_figure_in_json(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(monkeypatch, tmp_path, "kl", "0.5")
    outcome = cli("verify", "--format", "json")
    document = json.loads(outcome.out)
    assert (outcome.code, document["passed"], document["agree"]) == (1, False, 326)
    failed = [f["name"] for f in document["figures"] if f["verdict"] == "wrong"]
    assert failed == ["kl"]


def test_verify_works_from_anywhere(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = cli("verify")
    assert (outcome.code, outcome.err) == (0, "")
    assert "327 of 327" in outcome.out


def test_missing_figures_are_an_error_and_not_a_traceback(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        reference_figures,
        "__file__",
        str(tmp_path / "package" / "analysis" / "reference_figures.py"),
    )
    outcome = cli("verify")
    assert (outcome.code, outcome.out) == (2, "")
    assert reference_figures.FIGURES in outcome.err
    assert outcome.err.count("\n") == 1


# --- on the pages -----------------------------------------------------------------------


@pytest.mark.text
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", FORWARD)
def test_each_value_stands_on_the_forward_page_as_printed(
    name: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    section = section_with(text_of(pages["forward"], width), FORWARD[name])
    found = numbers_in(section)
    assert not not_found(map(shortest, flat(FIGURES[name])), found)


@pytest.mark.parametrize("width", WIDTHS)
def test_each_parameter_goes_into_the_forward_page_as_printed(
    width: int, pages: dict[str, Walkthrough]
) -> None:
    found = {number.lstrip("-") for number in numbers_in(text_of(pages["forward"], width))}
    for name in BUILT_IN.parameters:  # a minus sign may stand apart: `a - 0.1171·3`
        missing = [f for f in flat(FIGURES[name]) if shortest(f).lstrip("-") not in found]
        assert not missing, name


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BUILT_IN.parameters)
def test_each_parameter_stands_on_the_params_page_as_printed(
    name: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    assert matrix(text_of(pages["params"], width), name) == as_rows(FIGURES[name])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", GRADIENTS)
def test_each_gradient_stands_on_the_backward_page_as_printed(
    name: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    assert matrix(text_of(pages["backward"], width), name) == as_rows(FIGURES[name])


def as_rows(figures: Any) -> list[list[str]]:
    """Return a matrix as it is, a vector as a matrix of one row."""
    return figures if isinstance(figures[0], list) else [figures]
