"""Two runs side by side: only what differs, what made it differ, and changes that come out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain import pipeline
from vae_explain.analysis.comparison import Comparison, Pair
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.changes import Change
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Adds, Column, Table
from vae_explain.pages.render.numbers import Numbers

from .pages import CommandLine

X = ((1.0, 2.0, 3.0, 4.0),)
OWN = """
import torch
from torch import nn
import torch.nn.functional as F

class Model(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.enc = nn.Linear(3, width)
        self.dec = nn.Linear(width // 2, 3)

    def forward(self, x):
        mu, logvar = self.enc(x).chunk(2, dim=1)
        z = mu + torch.exp(SCALE * logvar) * torch.randn_like(mu)
        return self.dec(z), mu, logvar

def loss(recon, x, mu, logvar, beta=1.0):
    mse = F.mse_loss(recon, x, reduction="sum")
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return mse + beta * kl
"""
NUMBERS = re.compile(r"(?<=  )(-?\d[\d.e+-]*)  +(-?\d[\d.e+-]*)  +(-?\d[\d.e+-]*)$")


def asked(cli: CommandLine, *words: str) -> Any:
    outcome = cli("compare", *words, "--json")
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return json.loads(outcome.out)


def refused(cli: CommandLine, *words: str) -> str:
    outcome = cli("compare", *words)
    assert (outcome.code, outcome.out) == (2, ""), outcome
    (line,) = outcome.err.splitlines()
    return line.removeprefix("vae-explain: error: ")


def own_model(folder: Path, scale: str = "0.5") -> list[str]:
    path = folder / "own.py"
    path.write_text(OWN.replace("SCALE", scale))
    return ["--model", f"{path}:Model", "--loss", f"{path}:loss", "--x", "1,2,3"]


def compared(first: Request, second: Request) -> Comparison:
    return Comparison(pipeline.run(first), pipeline.run(second))


# --- changes that come out --------------------------------------------------------------


def holds(first: str, second: str, change: str) -> bool:
    """Whether a reader who subtracts what is printed gets what is printed."""
    printed = Decimal(change)
    half = Decimal((0, (5,), int(printed.as_tuple().exponent) - 1))
    return abs(Decimal(second) - Decimal(first) - printed) <= half


@pytest.mark.parametrize(
    "words",
    [
        ["--x2", "5,6,7,8"], ["--beta2", "0"], ["--seed2", "7"], ["--activation2", "tanh"],
        ["--set2", "fc1.weight.0.1=0.5", "--eps2", "0,0", "--beta2", "3"],
        ["--set2", "fc1.weight[0,0]=0.38230001", "--arithmetic", "full"],
        ["--x2", "1000,-2000,3e-5,4"],
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("digits", [[], ["--digits", "2"], ["--digits", "7"]], ids=str)
def test_each_change_is_the_difference_of_the_printed_numbers(
    cli: CommandLine, words: list[str], digits: list[str]
) -> None:
    outcome = cli("compare", *words, *digits, columns=120)
    assert outcome.code == 0
    found = [match for line in outcome.out.splitlines() if (match := NUMBERS.search(line))]
    assert len(found) > 20
    for match in found:
        assert holds(*match.groups()), match.string


floats = st.floats(-1e6, 1e6) | st.floats(-1e-6, 1e-6)


@given(rows=st.lists(st.tuples(floats, floats), min_size=1, max_size=5))
def test_a_table_of_changes_comes_out_for_any_numbers(rows: list[tuple[float, float]]) -> None:
    columns = tuple(Column(name, "value", "gradient") for name in ("first", "second", "change"))
    table = Table(columns, tuple((a, b, b - a) for a, b in rows), adds=Adds(2, (1,), (0,)))
    written = zip(*(Numbers().cells(table, j) for j in range(3)), strict=True)
    for (a, b), texts in zip(rows, written, strict=True):
        assert holds(*texts)
        assert np.isclose(float(texts[0]), a, atol=1e-4, rtol=1e-4)
        assert np.isclose(float(texts[1]), b, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("digits", [[], ["--digits", "2"]], ids=str)
def test_the_sentence_that_leads_adds_up(cli: CommandLine, seed: int, digits: list[str]) -> None:
    words = "--seed", str(seed), "--seed2", str(seed + 1), *digits
    out = " ".join(cli("compare", *words, columns=300).out.split())
    sentence = re.search(
        r"The loss (rises|falls) from (\S+) to (\S+), by (\S+): (\S+) (more|less) from the "
        r"reconstruction and (\S+) (more|less) from the KL\.",
        out,
    )
    assert sentence, out
    rises, first, second, by, *terms = sentence.groups()
    sign = 1 if rises == "rises" else -1
    assert holds(*(first, second) if sign > 0 else (second, first), by)
    error, kl = (
        Decimal(size) * (1 if word == "more" else -1)
        for size, word in zip(terms[::2], terms[1::2], strict=True)
    )
    assert holds(str(-error * sign), str(kl * sign), by)
    decimals = 2 if digits else None
    runs = (Request(X, seed=each, decimals=decimals) for each in (seed, seed + 1))
    loss = compared(*runs).loss
    assert np.allclose([float(first), float(second)], loss, atol=0.006 if digits else 1e-4)


def test_a_term_that_stays_is_said_to_stay(cli: CommandLine) -> None:
    assert (
        "The loss falls from 31.5105 to 31.1010, by 0.4095, all of it from the KL; the "
        "reconstruction is the same."
    ) in " ".join(cli("compare", "--beta2", "0").out.split())


# --- what differs -----------------------------------------------------------------------


def test_only_what_differs_is_shown(cli: CommandLine) -> None:
    found = asked(cli, "--eps2", "0.5,-1")
    assert found["given"] == ["eps"]
    assert found["first_differing"] == "z"
    assert list(found["values"]) == [
        "eps", "z", "decoder_pre", "decoder_hidden", "recon_x", "mse", "loss"
    ]  # fmt: skip
    assert found["same"] == [
        "encoder_pre", "encoder_hidden", "mu", "logvar", "variance", "std", "kl"
    ]  # fmt: skip
    first, second = (
        json.loads(cli("forward", *words, "--json").out) for words in ([], ["--eps", "0.5,-1"])
    )
    for name, both in found["values"].items():
        assert both == {"first": first["values"][name], "second": second["values"][name]}
    for name, both in found["gradients"].items():
        assert both["first"] == first["gradients"][name] or first["arithmetic"] != "printed"
        assert both["first"] != both["second"]


def test_runs_that_are_the_same_are_said_to_be(cli: CommandLine) -> None:
    outcome = cli("compare", "--seed2", "42")
    assert outcome.code == 0
    assert "Both runs are the same in every number." in outcome.out
    assert "What" not in outcome.out
    assert asked(cli, "--seed2", "42")["values"] == {}


def test_the_first_that_differs_is_the_first_in_the_order_of_the_run(cli: CommandLine) -> None:
    for words, first in (
        (["--x2", "1,2,3,5"], "encoder_pre"),
        (["--set2", "fc_logvar.bias[0]=1"], "logvar"),
        (["--set2", "fc_dec2.bias[0]=1"], "recon_x"),
        (["--reduction2", "mean"], "mse"),
        (["--beta2", "2"], "loss"),
        (["--activation2", "silu"], "encoder_hidden"),
    ):
        assert asked(cli, *words)["first_differing"] == first
        assert f"{first} is the first computed value that differs" in " ".join(
            cli("compare", *words).out.split()
        )


def test_a_unit_whose_gate_opens_or_closes_is_named() -> None:
    found = compared(Request(X), Request(((-1.0, 2.0, -3.0, 4.0),)))
    expected = [
        (name, (0, j))
        for name in ("encoder_hidden", "decoder_hidden")
        for j in range(8)
        if (found.first.array(name)[0, j] > 0) != (found.second.array(name)[0, j] > 0)
    ]
    assert len(expected) > 2
    assert [(flip.name, flip.index) for flip in found.flips] == expected
    for flip in found.flips:
        assert flip.opens == (found.second.array(flip.name)[flip.index] > 0)
        before = found.first.array(flip.name.replace("hidden", "pre"))[flip.index]
        assert flip.first == before


def test_another_formula_is_written_beside_the_first(cli: CommandLine) -> None:
    found = asked(cli, "--activation2", "tanh", "--beta2", "2")
    assert found["formulas"] == [
        {"name": "encoder_hidden", "first": "relu(encoder_pre)", "second": "tanh(encoder_pre)"},
        {"name": "decoder_hidden", "first": "relu(decoder_pre)", "second": "tanh(decoder_pre)"},
        {"name": "loss", "first": "mse + kl", "second": "mse + 2·kl"},
    ]
    assert [term["weights"] for term in found["terms"]] == [[1.0, 1.0], [1.0, 2.0]]


def test_what_has_another_shape_is_named_and_the_rest_compared(cli: CommandLine) -> None:
    found = asked(cli, "--x2", "1,2,3,4", "--x2", "2,2,2,2")
    assert {"name": "mu", "first": [1, 2], "second": [2, 2]} in found["shapes"]
    assert "mu" not in found["values"]
    assert found["gradients"]["fc1.weight"]["first"] != found["gradients"]["fc1.weight"]["second"]
    assert found["first_differing"] == "encoder_pre"
    narrower = asked(cli, "--dims2", "4-6-2-6-4")
    assert {"name": "fc1.weight", "first": [8, 4], "second": [6, 4]} in narrower["shapes"]
    deeper = asked(cli, "--dims2", "4-8-4-2-4-8-4")
    assert "fc2.weight" in deeper["only_second"]


def test_only_shows_all_that_differs_in_a_name(cli: CommandLine) -> None:
    words = "--x2", "1,2,3,5", "--only", "encoder_pre", "--only", "fc1.bias.grad"
    out = cli("compare", *words).out
    assert [f"encoder_pre[{i}] " in out for i in range(8)] == [True] * 8
    assert "6 of 8 numbers differ." in out
    found = asked(cli, *words)
    assert (list(found["values"]), list(found["gradients"])) == (["encoder_pre"], ["fc1.bias"])
    assert "did you mean encoder_pre?" in refused(cli, *words[:2], "--only", "encoder_per")
    assert "no gradient of both" in refused(cli, *words[:2], "--only", "eps.grad")


# --- which did it -----------------------------------------------------------------------


def test_each_change_alone_gives_the_loss_of_the_run_that_has_it() -> None:
    change, eps, shape = Change("fc1.weight[0,1]", 0.5), (0.0, 1.0), Architecture(beta=3.0)
    found = compared(Request(X), Request(X, eps=eps, changes=(change,), source=shape))
    alone = {each.cause: each.loss for each in found.alone}
    by_itself = {
        "fc1.weight": Request(X, changes=(change,)),
        "eps": Request(X, eps=eps),
        "the formulas": Request(X, source=shape),
    }
    assert alone.keys() == by_itself.keys()
    for cause, request in by_itself.items():
        run = pipeline.run(request)
        assert np.isclose(alone[cause], run.array("loss"), rtol=1e-12), cause
    assert np.isclose(found.base, found.loss[0], rtol=1e-12)


def test_one_change_needs_no_trial() -> None:
    assert compared(Request(X), Request(X, eps=(0.0, 1.0))).alone == ()


def test_many_parameters_are_one_change() -> None:
    deep = Architecture((4, 6, 5, 2, 5, 6, 4))
    found = compared(Request(X, source=deep), Request(X, seed=7, source=deep))
    alone = {each.cause: each.loss for each in found.alone}
    assert list(alone) == ["the parameters", "eps"]
    eps = tuple(found.second.array("eps").ravel().tolist())
    kept = pipeline.run(Request(X, source=deep, eps=eps))
    assert np.isclose(alone["eps"], kept.array("loss"), rtol=1e-12)


# --- models of one's own, and recordings ------------------------------------------------


def test_a_recording_beside_a_changed_model_shows_the_line_that_changed(
    cli: CommandLine, tmp_path: Path
) -> None:
    file = str(tmp_path / "before.safetensors")
    assert cli("record", *own_model(tmp_path), "-o", file).code == 0
    words = own_model(tmp_path, "1.0")
    found = asked(cli, *words, "--run2", file)
    (changed,) = found["formulas"]
    assert changed["name"] == "z"
    assert "exp(1·logvar)" in changed["first"]
    assert "½·logvar" in changed["second"]
    assert (found["given"], found["by_rounding"]) == ([], False)


def test_two_recordings_are_compared_without_pytorch(cli: CommandLine, tmp_path: Path) -> None:
    files = [str(tmp_path / f"{name}.safetensors") for name in "ab"]
    cli("record", "-o", files[0])
    cli("record", "--beta", "2", "-o", files[1])
    found = asked(cli, "--run", files[0], "--run2", files[1])
    live = asked(cli, "--beta2", "2")
    assert live.pop("options") == {"--beta": {"first": "1", "second": "2"}}
    assert found.pop("options") == {}
    assert found == live


def test_numbers_that_differ_though_nothing_was_changed_are_said_to() -> None:
    run = pipeline.run(Request(X))
    number = run.value("z").id
    values = {**run.values, number: run.values[number] * (1 + 1e-12)}
    found = Comparison(run, replace(run, values=values))
    assert found.by_rounding
    assert found.differing == ("z",)
    assert not Comparison(run, run).by_rounding


def test_ones_own_model_with_another_argument(cli: CommandLine, tmp_path: Path) -> None:
    words = own_model(tmp_path)
    found = asked(cli, *words, "--loss-arg2", "beta=4", "--set2", "x[0]=2")
    assert found["given"] == ["x"]
    assert [term["weights"] for term in found["terms"]] == [[1.0, 1.0], [1.0, 4.0]]
    assert found["options"] == {"--loss-arg": {"first": "none", "second": "beta=4"}}
    wider = asked(cli, *words, "--model-arg2", "width=6")
    assert {"name": "mu", "first": [1, 2], "second": [1, 3]} in wider["shapes"]


def test_a_run_that_overflows_is_compared_all_the_same(cli: CommandLine) -> None:
    outcome = cli("compare", "--x2", "1e30,0,0,0")
    assert outcome.code == 1
    assert "The loss goes from 31.5105 to nan." in outcome.out
    found = json.loads(cli("compare", "--x2", "1e30,0,0,0", "--json").out)
    assert found["loss"]["second"] == "NaN"


def test_the_audit_says_what_its_mend_changes(cli: CommandLine, tmp_path: Path) -> None:
    words = "audit", *own_model(tmp_path, "1.0"), "--only", "sampling-scale"
    outcome = cli(*words, columns=120)
    assert outcome.code == 1
    (finding,) = json.loads(cli(*words, "--json").out)["findings"]
    effect = finding["mend_effect"]
    (changed,) = effect["formulas"]
    assert changed["name"] == "z"
    assert f"With it z = {changed['second']}, where the run has {changed['first']}" in outcome.out
    assert "^½" in changed["second"]
    # The loss is that of the code as the mend has it, with the same draws.
    right = json.loads(cli("forward", *own_model(tmp_path, "0.5"), "--json").out)
    assert right["arithmetic"] == "full"
    assert np.isclose(effect["loss"]["second"], right["values"]["loss"], rtol=1e-5)
    assert (
        f"{effect['loss']['second']:.4f} in place of {effect['loss']['first']:.4f}" in outcome.out
    )


# --- the command ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "compare needs a second run: say what differs in it, such as --x2"),
        (["--x2", "1,2"], "--x2 1,2: 2 given, but the model takes 4; give 4, such as --x2 1,2,3,4"),
        (["--eps2", "1"], "--eps2 1: 1 given, but the model takes 2"),
        (["--beta2", "-1"], "--beta2 -1: a weight cannot be below 0"),
        (["--seed2", "a"], "--seed2 a: a seed is a whole number"),
        (["--activation2", "rleu"], "--activation2 rleu: choose relu"),
        (["--set2", "foo[0]=1"], "--set2 foo[0]: no parameter, input or noise has this name"),
        (["--weights2", "no.pt"], "--weights2 no.pt: there is no such file"),
        (["--run2", "no.safetensors"], "--run2 no.safetensors: no.safetensors cannot be read"),
        (["--run", "a.safetensors", "--beta2", "0"], "--beta2 0: a recorded run stays as it is"),
        (["--x2", "1,2,3,4", "--record", "a.safetensors"], "--record a.safetensors: compare saves"),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_said_in_one_line(
    cli: CommandLine, words: list[str], said: str
) -> None:
    assert refused(cli, *words).startswith(said)


@pytest.mark.parametrize("ending", ["txt", "md", "html", "tex", "json"])
def test_a_comparison_is_written_in_any_format(
    cli: CommandLine, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"two.{ending}"
    assert cli("compare", "--x2", "5,6,7,8", "-o", str(path)).code == 0
    text = path.read_text()
    assert "decoder" in text
    assert "197.97" in text


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_no_line_is_wider_than_the_terminal(cli: CommandLine, columns: int) -> None:
    words = "--set2", "fc1.weight.0.1=0.5", "--eps2", "0,0", "--beta2", "3"
    out = cli("compare", *words, columns=columns).out
    assert max(map(len, out.splitlines())) <= columns


def test_the_largest_changes_are_in_order_and_real() -> None:
    pair = Pair("w", "parameter", np.zeros((2, 3)), np.array([[0.0, 5, -1], [0, 2, np.nan]]))
    assert pair.largest(3) == [(0, 1), (1, 1), (1, 2)]
    assert pair.largest(9) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert pair.changed == 4
