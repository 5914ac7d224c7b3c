"""The answer before its derivation, the ways of a gradient, and tables that add up as printed."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae_explain.engine.gradient_ways import answers, parts_at, ways
from vae_explain.engine.provenance import Provenance
from vae_explain.engine.run import Run
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Adds, Claim, Column, Quantity, Statement, Table
from vae_explain.pages.render.numbers import Numbers
from vae_explain.pages.walkthrough.answer import answer
from vae_explain.pipeline import run
from vae_explain.symbolic.expression import Add, Ref

from .pages import CommandLine
from .requests import held

X = ((1.0, 2.0, 3.0, 4.0),)


@pytest.fixture(scope="module")
def default() -> Run:
    return run(Request(x=X, arithmetic="full"))


def said(
    source: Run, name: str, *index: int, gradient: bool = False, term: str | None = None
) -> str:
    """Return the answer for one number as text."""
    view = Provenance(source)
    statement = answer(view, view.target(name, gradient, index, term))
    assert statement is not None
    return "".join(text for text, _ in Numbers().statement(statement))


def test_a_gradient_is_told_by_term_and_by_way(default: Run) -> None:
    assert said(default, "fc1.weight", 0, 1, gradient=True) == (
        "0.5470 = 0.3333 from the reconstruction + 0.2137 from the KL. Of it, 0.6559 comes by way "
        "of mu, -0.1089 by way of logvar; the largest part is the reconstruction's by mu, 0.5138."
    )


def test_a_gradient_of_one_term_has_no_sum(default: Run) -> None:
    assert said(default, "fc_dec2.weight", 3, 4, gradient=True) == (
        "-8.1006, all of it from the reconstruction."
    )
    alone = said(default, "fc1.weight", 0, 1, gradient=True, term="kl")
    assert alone == "0.2137, the share of the KL alone."


def test_a_zero_is_told_by_the_gate_that_makes_it(default: Run) -> None:
    words = said(default, "fc1.weight", 6, 0, gradient=True)
    assert words == "0 because unit 6 of encoder_hidden is off (-2.4271 < 0)."
    assert said(default, "encoder_hidden", 0, 6).startswith("0 because this unit is off")
    assert "because" not in said(default, "encoder_hidden", 0, 0)


def test_a_value_is_told_by_its_largest_summands(default: Run) -> None:
    assert said(default, "z", 0, 0) == "0.6483 = 0.8898 from mu[0] - 0.2415 from std[0]·eps[0]."
    assert said(default, "recon_x", 0, 2).endswith("from 7 other summands.")
    assert said(default, "kl").count("from element") == 2
    assert said(default, "std", 0, 1) == "1.1054 is exp(½·logvar[1]) with logvar[1] = 0.2004."


@pytest.mark.parametrize("seed", range(12))
def test_every_sum_that_is_said_holds_for_the_printed_numbers(seed: int) -> None:
    source = run(Request(x=X, seed=seed, arithmetic="full"))
    for name, index in (("fc1.weight", (seed % 8, 1)), ("encoder_hidden", (0, seed % 8))):
        words = said(source, name, *index, gradient=True)
        sums = re.match(r"(-?[\d.]+) = (-?[\d.]+) from the \w+ ([+-]) ([\d.]+) from", words)
        if sums is not None:
            total, first, sign, second = sums.groups()
            assert rounds_to(Decimal(first) + Decimal(sign + second), total), words
        through = re.search(r"(-?[\d.]+) comes by way of \w+, (-?[\d.]+) by way", words)
        if through is not None:
            whole = re.split(" = |, ", words)[0]
            assert rounds_to(sum(map(Decimal, through.groups()), Decimal(0)), whole), words


def rounds_to(value: Decimal, text: str) -> bool:
    places = len(text.partition(".")[2])
    return abs(value - Decimal(text)) <= Decimal(5).scaleb(-places - 1)


def test_the_command_begins_with_the_answer(cli: CommandLine) -> None:
    lines = cli("why", "fc1.weight.grad[0,1]", columns=120).out.splitlines()
    text = [line.strip() for line in lines]
    head = text.index("1  ∂loss/∂fc1.weight[0,1]   where it comes from")
    assert text[head + 2].startswith("0.5470 = 0.3333 from the reconstruction")
    assert any("│ ├ ∂loss/∂mu[0] = " in line for line in lines)
    top = cli("backward", "--param", "fc1.weight", columns=120).out.split(" 1  Start")[0]
    assert "The largest number of ∂loss/∂fc1.weight is [3,3]: 4.8065 = 3.7469" in top
    assert "largest number" not in cli("backward", columns=120).out


# --- ways -------------------------------------------------------------------------------


def test_the_answers_of_the_encoder_are_found_by_the_graph(default: Run) -> None:
    names = [default.trace.values[number].name for number in answers(default)]
    assert names == ["mu", "logvar"]


@pytest.mark.parametrize(
    "request_",
    [
        Request(x=X, arithmetic="printed"),
        Request(x=((1.0, 2.0, 3.0, 4.0), (0.5, -1.0, 2.0, 0.0)), arithmetic="full"),
    ],
)
def test_the_ways_add_up_to_autograds_gradient(request_: Request) -> None:
    source = run(request_)
    found = ways(source)
    assert len(found) == 4
    for name in ("encoder_hidden", "encoder_pre", "fc1.weight", "fc1.bias"):
        number = source.value(name).id
        parts = parts_at(source, found, number)
        assert len(parts) == 4
        total = sum(array for _, array in parts)
        np.testing.assert_allclose(total, source.gradients[number], rtol=1e-4, atol=1e-5)
    for name in ("mu", "fc_mu.weight", "recon_x", "fc_dec1.weight"):  # which one way leads to
        assert parts_at(source, found, source.value(name).id) == ()


class Autoencoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enc, self.dec = nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        code = self.enc(x)
        recon = self.dec(code)
        loss: Tensor = ((recon - x) ** 2).sum()
        return loss


def test_a_model_that_draws_nothing_has_no_ways() -> None:
    source = run(held(Autoencoder(), torch.tensor(X), 1))
    assert (answers(source), ways(source)) == ((), ())


# --- tables -----------------------------------------------------------------------------


def test_a_row_that_adds_up_gets_the_digits_for_it() -> None:
    columns = tuple(Column(name, "gradient", "gradient") for name in ("a", "b", "c"))
    table = Table(columns, ((0.10008, 0.03334, 0.06674), (1.0, 0.25, 0.75)), adds=Adds(0, (1, 2)))
    assert [Numbers().cells(table, j) for j in range(3)] == [
        ["0.1001", "1.0000"], ["0.03334", "0.2500"], ["0.06674", "0.7500"],
    ]  # fmt: skip
    plain = table._replace(adds=None)
    assert Numbers().cells(plain, 1) == ["0.0333", "0.2500"]


def test_a_sentence_writes_no_more_digits_than_its_claim_takes() -> None:
    one, two, whole = (Ref(name, None, "value", value) for name, value in
                       (("a", 1.25), ("b", -0.5), ("c", 0.75)))  # fmt: skip
    parts = (Quantity(whole, "gradient"), " = ", Quantity(one, "gradient"), " ",
             Quantity(two, "gradient", "added"))  # fmt: skip
    statement = Statement(parts, (Claim(0, Add((one, two))),))
    assert "".join(text for text, _ in Numbers().statement(statement)) == (
        "0.7500 = 1.2500 - 0.5000"
    )
