"""The arithmetic on the pages, read back from plain text and computed again."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import pytest

from vae_explain import pipeline
from vae_explain.engine import worked_lines
from vae_explain.engine.run import Run
from vae_explain.engine.worked_lines import Worked, worked
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Lines, Walkthrough
from vae_explain.pages.walkthrough import backward, forward

from .pages import (
    BY_HAND,
    FLOAT32,
    ROUNDED,
    Claim,
    CommandLine,
    Reading,
    claims,
    default_rounding,
    matrix,
    numbers_in,
    recompute,
    section_with,
    text_of,
    wrong,
)
from .support import latin

WIDTHS = [40, 80, 120, 200]
REQUESTS = {
    "default": Request(x=((1.0, 2.0, 3.0, 4.0),)),
    "seed 7, eps": Request(x=((0.5, -1.25, 0.0, 2.0),), seed=7, eps=(0.5, -1.0)),
    "seed 0, zeros": Request(x=((0.0, 0.0, 0.0, 0.0),), seed=0),
    "many digits": Request(x=((0.123456789, -9.87654321, 1e-3, 123.456),), seed=2**64 - 1),
    "large": Request(x=((300.0, -40.0, 77.7, 1000.0),), seed=3, eps=(0.0, 2.0)),
    "tiny": Request(x=((1e-6, -2e-9, 3e-12, 0.0),), seed=5),
    "batch of 2": Request(x=((1.0, 2.0, 3.0, 4.0), (-4.0, 0.5, 0.0, 1.0)), seed=42),
    "batch of 3": Request(
        x=((1.0, 2.0, 3.0, 4.0), (0.0, 0.0, 0.0, 0.0), (-1.0, 0.25, 8.0, -3.5)),
        seed=11,
        eps=(0.1, -0.2, 0.3, 1.4, -1.5, 0.0),
    ),
}
Arithmetic = Literal["printed", "full"]
ARITHMETICS: list[Arithmetic] = ["printed", "full"]


@cache
def run_of(name: str, arithmetic: Arithmetic) -> Run:
    return pipeline.run(replace(REQUESTS[name], arithmetic=arithmetic))


@cache
def page_of(command: str, name: str, arithmetic: Arithmetic) -> Walkthrough:
    run = run_of(name, arithmetic)
    page, checks = forward.forward(run) if command == "forward" else backward.backward(run)
    assert checks.failed == 0
    return page


def reading_of(command: str, arithmetic: Arithmetic) -> Reading:
    """Numbers by hand are exact on the forward page; gradients have 4 decimals everywhere."""
    if arithmetic == "full":
        return FLOAT32
    return BY_HAND if command == "forward" else ROUNDED


# --- every line -------------------------------------------------------------------------


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize(
    ("name", "command", "width"), latin(REQUESTS, ("forward", "backward"), WIDTHS)
)
def test_every_line_gives_its_value(
    command: str, name: str, arithmetic: Arithmetic, width: int
) -> None:
    """Each page at one width; the default one is read at every width with the layout's tests."""
    found = claims(text_of(page_of(command, name, arithmetic), width))
    assert sum(bool(claim.summands) for claim in found) >= 20
    assert not wrong(found, reading_of(command, arithmetic))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_no_line_of_a_walkthrough_escapes_being_read(
    command: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    worked = [block for block in pages[command].blocks if isinstance(block, Lines)]
    shown = sum(len(block.lines) for block in worked if not block.quiet)
    totals = sum(block.total is not None for block in worked)
    found = claims(text_of(pages[command], width))
    examples = [claim for claim in found if "weight" in claim.label]
    assert len(found) - len(examples) == shown + totals


def test_a_changed_digit_is_noticed(pages: dict[str, Walkthrough]) -> None:
    # Of what this file rests on: each line, its result moved by ten units in the last place.
    for claim in claims(text_of(pages["forward"], 80)):
        if claim.summands:
            assert wrong([moved(claim)], BY_HAND), claim


def moved(claim: Claim) -> Claim:
    """Change the last digit but one of a line's value, or one that float64 is sure of."""
    place = -2 if len(claim.value) < 14 else -4
    other = "5" if claim.value[place] in "01" else "0"
    return replace(claim, value=claim.value[:place] + other + claim.value[place + 1 :])


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        pytest.param("0.3823·1", "0.3833·1", id="a factor"),
        pytest.param(" + 0.3860", " - 0.3860", id="a sign"),
        pytest.param(" + 0.3860", "", id="the bias"),
        pytest.param("0.88977581²", "0.88977581", id="a square"),
        pytest.param("-0.5·(1 + 0.0231", "0.5·(1 + 0.0231", id="the sign of the KL"),
        pytest.param("exp(0.5·", "exp(", id="the half"),
        pytest.param("(-0.2387)", "0.2387", id="the sign of the noise"),
    ],
)
def test_a_changed_expression_is_noticed(
    was: str, becomes: str, pages: dict[str, Walkthrough]
) -> None:
    text = text_of(pages["forward"], 200)
    row = "0.3860" in was or "0.3823" in was
    if row:  # its summands stand in columns at 200
        text = text_of(pages["forward"], 80)
    assert was in text
    assert wrong(claims(text.replace(was, becomes)), BY_HAND)


def test_an_unreadable_expression_is_not_passed_over() -> None:
    (claim,) = claims("    z[0] = wat(0.5) = 1.0000\n")
    with pytest.raises(NameError):
        recompute(claim)


# --- sums, tables and matrices ----------------------------------------------------------


@pytest.mark.parametrize(("name", "loss", "width"), latin(REQUESTS, ("mse", "kl"), WIDTHS))
def test_a_loss_is_the_sum_of_the_lines_above_it(loss: str, name: str, width: int) -> None:
    page = page_of("forward", name, "printed")
    *summands, total = claims(section_with(text_of(page, width), f"{loss} = "))
    assert total.label == loss
    assert len(summands) == {"mse": 4, "kl": 2}[loss] * len(REQUESTS[name].x)
    allowed = sum(default_rounding(line.value) for line in summands) + 1e-12
    exact = float(total.value)
    assert sum(float(line.value) for line in summands) == pytest.approx(exact, 1e-9, allowed)


@pytest.mark.parametrize("name", REQUESTS)
def test_the_loss_is_its_two_terms_in_every_digit(name: str) -> None:
    found = claims(text_of(page_of("forward", name, "printed"), 80))
    value = {claim.label: float(claim.value) for claim in found}
    mse, kl, loss = value["mse"], value["kl"], value["loss"]
    assert mse + kl == loss
    assert loss == float(run_of(name, "printed").array("loss"))


@pytest.mark.parametrize(
    ("name", "hidden", "width"), latin(REQUESTS, ("encoder", "decoder"), (80, 120))
)
def test_a_gate_passes_what_arrives_or_nothing(hidden: str, name: str, width: int) -> None:
    text = text_of(page_of("backward", name, "full"), width)
    rows = gate_rows(section_with(text, f"∂loss/∂{hidden}_pre = "))
    values = run_of(name, "full").array(f"{hidden}_pre").ravel()
    assert len(rows) == min(values.size, 16)
    for (arrives, gate, delta, reconstruction, kl), value in zip(rows, values, strict=False):
        assert gate == (1.0 if value > 0 else 0.0)
        assert delta == arrives * gate
        assert reconstruction + kl == pytest.approx(delta, 1e-3, 1.1e-4)


def gate_rows(section: str) -> list[list[float]]:
    """Return the numbers of the rows of a gate table: arrives, gate, product, both shares."""
    # Tables of a gradient's parts, of the weights too, stand in the same section.
    (table,) = [block for block in section.split("\n\n") if re.search(r"arrives +gate ", block)]
    rows = []
    for line in table.splitlines():
        found = re.fullmatch(r" +[\d,]+((?:  +[-\d.e+]+){3,5})(?: {2,}gate closed)?", line)
        if found:
            row = [float(number) for number in found[1].split()]
            # Without shares all of it is the reconstruction's.
            rows.append(row if len(row) == 5 else [*row[:3], row[2], 0.0])
    return rows


OUTER: list[tuple[str, str]] = [
    ("fc_dec2", "decoder_hidden"),
    ("fc_dec1", "z"),
    ("fc_mu", "encoder_hidden"),
    ("fc_logvar", "encoder_hidden"),
    ("fc1", "x"),
]


@pytest.mark.parametrize(("layer", "source"), OUTER)
@pytest.mark.parametrize("name", ["default", "seed 7, eps", "many digits"])
def test_a_weight_gradient_is_the_outer_product_of_what_is_printed(
    name: str, layer: str, source: str
) -> None:
    text = text_of(page_of("backward", name, "full"), 120)
    gradient = [[float(n) for n in row] for row in matrix(text, f"{layer}.weight.grad")]
    (delta,) = ([float(n) for n in row] for row in matrix(text, f"{layer}.bias.grad"))
    went_in = run_of(name, "full").array(source).ravel().tolist()
    for row, arrives in zip(gradient, delta, strict=True):
        for number, given in zip(row, went_in, strict=True):
            assert number == pytest.approx(arrives * given, 1e-6, 0.5e-4 * (1.01 + abs(given)))


@pytest.mark.parametrize("name", ["batch of 2", "batch of 3"])
def test_a_batch_shows_the_numbers_of_all_its_rows(name: str) -> None:
    run = run_of(name, "printed")
    text = text_of(page_of("forward", name, "printed"), 80)
    found = [float(number) for number in numbers_in(text)]
    for value in ("mu", "logvar", "std", "z", "recon_x"):
        for number in run.array(value).ravel():
            # Half a unit of 8 decimals, whichever way a tie is rounded.
            assert min(abs(printed - number) for printed in found) <= 0.5e-8 + 1e-15, value


def test_a_sum_over_rows_is_said_to_be_one() -> None:
    assert "summed over 2 rows" in text_of(page_of("backward", "batch of 2", "full"), 200)
    assert "summed over" not in text_of(page_of("backward", "default", "full"), 200)


@pytest.mark.parametrize("rows", [1, 2, 3, 16, 128])
def test_a_gradient_over_a_batch_says_that_it_sums_its_rows(cli: CommandLine, rows: int) -> None:
    given = [part for row in range(rows) for part in ("--x", f"{row / rows},1,0.5,2")]
    outcome = cli("backward", *given, "--param", "fc1.weight", "--param", "fc1.bias", columns=120)
    assert outcome.code == 0, outcome.err
    summed = "" if rows == 1 else f", summed over {rows} rows"
    product = "the outer product of the output's gradient and the layer's input"
    assert f"{product}{summed}\n" in outcome.out
    assert f"the output's gradient{summed or ', the sum over its one row'}\n" in outcome.out


@pytest.mark.parametrize("name", ["z", "recon_x", "loss"])
def test_a_page_works_no_more_lines_than_it_shows(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of("batch of 2", "full")
    lines: list[Worked] = []

    def counted(*line: Any) -> Worked:
        lines.append(worked(*line))
        return lines[-1]

    monkeypatch.setattr(worked_lines, "worked", counted)
    for compose in (forward.forward, backward.backward):
        lines.clear()
        _, checks = compose(run, [name])
        checked = [line for line in lines if line.reference is not None]
        assert len(checked) == checks.lines > 0, compose.__name__
