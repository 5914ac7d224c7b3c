"""How pages look: at every width, with every number of digits, in ASCII, with any name."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from vae_explain import pipeline
from vae_explain.engine.run import Run
from vae_explain.models.request import Request
from vae_explain.pages.blocks import Matrix, Walkthrough
from vae_explain.pages.walkthrough import backward, forward

from .comparing import not_found
from .pages import (
    ROUNDED,
    CommandLine,
    Reading,
    claims,
    half_unit,
    matrix,
    numbers_in,
    section_with,
    sections,
    shortest,
    text_of,
    wrong,
)
from .support import in_turn
from .test_diagram import attending

FIGURES = json.loads(
    (Path(__file__).parent.parent / "fixtures" / "walkthrough-figures.json").read_text("utf-8")
)
COMMANDS = ["forward", "backward", "params", "verify"]
WIDTHS = [40, 41, 47, 56, 64, 72, 79, 80, 81, 92, 104, 120, 140, 200]
WHOLE = [width for width in WIDTHS if width >= 80]
# In order of appearance, with the line of a page that opens each.
FORWARD_ORDER = ["encoder_pre", "mu", "logvar", "variance", "std", "z", "decoder_pre"]
FORWARD_ORDER += ["recon_x", "mse", "kl", "loss"]
BACKWARD_ORDER = ["recon_x", "fc_dec2.weight", "fc_dec2.bias", "decoder_hidden", "decoder_pre"]
BACKWARD_ORDER += ["fc_dec1.weight", "fc_dec1.bias", "z", "std", "mu", "fc_mu.weight"]
BACKWARD_ORDER += ["fc_mu.bias", "logvar", "fc_logvar.weight", "fc_logvar.bias"]
BACKWARD_ORDER += ["encoder_hidden", "encoder_pre", "fc1.weight", "fc1.bias"]


@cache
def other_pages(arithmetic: Literal["printed", "full"]) -> list[Walkthrough]:
    """The pages of a batch whose numbers are long, large and small."""
    x = ((1234.5678, -0.001, 3e-7, 0.0), (-1.0, 2.0, 0.1, 4096.0))
    run = pipeline.run(Request(x=x, seed=7, arithmetic=arithmetic))
    return [forward.forward(run)[0], backward.backward(run)[0]]


def figures(names: Iterator[str] | list[str]) -> set[str]:
    """Return the reference's figures of some quantities."""

    def flat(entry: object) -> Iterator[str]:
        if isinstance(entry, str):
            yield shortest(entry)
        elif isinstance(entry, list):
            for inner in entry:
                yield from flat(inner)

    return {figure for name in names for figure in flat(FIGURES[name])}


# --- widths -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_longer_than_the_width(
    command: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    too_long = [line for line in text_of(pages[command], width).splitlines() if len(line) > width]
    assert not too_long


@pytest.mark.parametrize(("width", "arithmetic"), in_turn(WIDTHS, ("printed", "full")))
def test_no_line_of_another_run_is_longer_than_the_width(
    arithmetic: Literal["printed", "full"], width: int
) -> None:
    for page in other_pages(arithmetic):
        long = [line for line in text_of(page, width).splitlines() if len(line) > width]
        assert not long, page.command


@pytest.mark.parametrize("width", [1, 20, 39])
def test_a_terminal_of_fewer_than_40_columns_gets_40(
    width: int, pages: dict[str, Walkthrough]
) -> None:
    assert text_of(pages["forward"], width) == text_of(pages["forward"], 40)


@pytest.mark.text
@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_is_lost_at_any_width(width: int, pages: dict[str, Walkthrough]) -> None:
    values = [name for name in FIGURES if "." not in name]
    assert not not_found(figures(values), numbers_in(text_of(pages["forward"], width)))
    gradients = [name for name in FIGURES if name.endswith(".grad")]
    assert not figures(gradients) - numbers_in(text_of(pages["backward"], width))
    parameters = [name for name in FIGURES if name.endswith((".weight", ".bias"))]
    assert not figures(parameters) - numbers_in(text_of(pages["params"], width))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_every_line_gives_its_value_at_every_width(
    command: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    reading = ROUNDED if command == "forward" else Reading(ROUNDED.rounding, 5e-7)
    assert not wrong(claims(text_of(pages[command], width)), reading)


@pytest.mark.parametrize("width", WHOLE)
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_left_out_from_80_columns_up(
    command: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    text = text_of(pages[command], width)
    assert "…" not in text
    assert "left out" not in text


def test_numbers_that_only_moved_are_a_grid() -> None:
    run = attending()
    page, checks = forward.forward(run)
    text = text_of(page, 80)
    shown = [" ".join(row) for row in matrix(text, "q_2")]
    assert len(shown) == 6  # two heads of three rows
    assert all(len(row.split()) == 2 for row in shown)
    assert "q_2[0,0,0] =" not in text
    assert "12 elements checked" in section_with(text, "q_2 = ")
    assert re.search(r"out_proj: Linear \d+→\d+", text)  # whose weight it is, not who called it
    detailed, _ = forward.forward(run, ["q_2"])
    assert "q_2[0,0,0] =" in text_of(detailed, 80)
    assert checks.failed == 0


def test_a_parameter_of_several_values_is_shown_once_behind_the_last() -> None:
    page, checks = backward.backward(attending())
    text = text_of(page, 80)
    assert text.count("in_proj_weight.grad  [") == 1
    (last,) = [part for part in sections(text) if "in_proj_weight.grad  [" in part]
    behind = text.partition("in_proj_weight.grad  [")[2]
    assert "∂loss/∂q_1" in last  # q is used last on the way back, behind k and v
    assert not [part for part in sections(behind)[1:] if "∂loss/∂v_1 =" in part]
    assert checks.failed == 0


def test_each_matrix_of_a_tensor_has_its_own_brackets() -> None:
    block = Matrix("w", np.arange(12.0).reshape(2, 1, 3, 2), "parameter", "parameter")
    text = text_of(Walkthrough("forward", "", (), (block,)), 40)
    assert [line.strip() for line in text.splitlines() if "w[" in line] == ["w[0,0]", "w[1,0]"]
    assert (text.count("⎡"), text.count("⎢"), text.count("⎣")) == (2, 2, 2)


def test_a_large_batch_says_how_much_it_leaves_out(cli: CommandLine) -> None:
    rows = [part for i in range(5) for part in ("--x", f"{i},1,2,3")]
    outcome = cli("forward", *rows)
    assert outcome.code == 0
    shown = len(claims(section_with(outcome.out, "encoder_pre = ")))
    (left_out,) = re.findall(r"… (\d+) more left out", section_with(outcome.out, "encoder_pre = "))
    assert shown + int(left_out) == 5 * 8


# --- order ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_steps_are_numbered_in_order(
    command: str, width: int, pages: dict[str, Walkthrough]
) -> None:
    numbers = [int(part.split()[0]) for part in sections(text_of(pages[command], width))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) == {"forward": 11, "backward": 11, "params": 3, "verify": 2}[command]


@pytest.mark.parametrize(
    ("command", "order", "written"),
    [("forward", FORWARD_ORDER, "{} ="), ("backward", BACKWARD_ORDER, "∂loss/∂{} =")],
)
def test_each_step_comes_after_what_it_needs(
    command: str, order: list[str], written: str, pages: dict[str, Walkthrough]
) -> None:
    lines = [line.strip() for line in text_of(pages[command], 120).splitlines()]
    starts = [
        next(i for i, line in enumerate(lines) if line.startswith(written.format(name)))
        for name in order
    ]
    assert starts == sorted(starts)


# --- zeros ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("hidden", "closed"), [("encoder", ["6", "7"]), ("decoder", ["0", "2", "6", "7"])]
)
def test_zeros_carry_their_reason(
    hidden: str, closed: list[str], width: int, pages: dict[str, Walkthrough]
) -> None:
    section = section_with(text_of(pages["forward"], width), f"{hidden}_pre =")
    assert f"units {', '.join(closed)}" in " ".join(section.split())
    if width >= 80:
        rows = [line.split() for line in section.splitlines() if line.endswith("gate closed")]
        assert [row[0] for row in rows] == closed
        assert all(float(row[-3]) == 0 for row in rows)


@pytest.mark.parametrize("width", WHOLE)
@pytest.mark.parametrize(
    ("hidden", "closed"), [("encoder", ["6", "7"]), ("decoder", ["0", "2", "6", "7"])]
)
def test_a_gradient_of_zero_carries_its_reason(
    hidden: str, closed: list[str], width: int, pages: dict[str, Walkthrough]
) -> None:
    section = section_with(text_of(pages["backward"], width), f"∂loss/∂{hidden}_pre =")
    rows = [line.split() for line in section.splitlines() if line.endswith("gate closed")]
    assert [row[0] for row in rows] == closed


# --- digits -----------------------------------------------------------------------------


@pytest.mark.parametrize(("digits", "command"), in_turn(range(18), ("forward", "backward")))
def test_every_result_has_the_digits_that_were_asked_for_or_those_that_its_line_gives(
    command: str, digits: int, pages: dict[str, Walkthrough]
) -> None:
    text = text_of(pages[command], 120, digits)
    assert max(map(len, text.splitlines())) <= 120
    results = [claim for claim in claims(text) if claim.summands]
    assert len(results) > 20
    plain = re.compile(r"-?\d+" + (rf"\.\d{{{digits}}}" if digits else ""))
    longer = re.compile(rf"-?\d+\.\d{{{digits + 1},{digits + 2}}}")
    for claim in results:
        result = claim.remark.partition("computed: ")[2] or claim.value
        usual = plain.fullmatch(result) or re.fullmatch(r"-?\d\.\d+e-\d\d", result)
        assert usual or longer.fullmatch(result), claim
    kept = sum(bool(plain.fullmatch(claim.value)) for claim in results)
    assert kept > len(results) / 2 or digits > 5


@pytest.mark.parametrize("digits", [1, 2, 4, 8, 12, 17])
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_every_line_gives_its_value_at_any_digits(
    command: str, digits: int, pages: dict[str, Walkthrough]
) -> None:
    def rounding(literal: str) -> float:
        has = len(literal.partition(".")[2])
        return half_unit(literal) if "e" in literal or has == digits else 0.0

    found = claims(text_of(pages[command], 120, digits))
    precision = 1e-14 if command == "forward" else 5e-7
    assert not wrong(found, Reading(rounding, precision))


@pytest.mark.parametrize("digits", [0, 2, 4, 17])
def test_a_zero_keeps_its_sign_and_nothing_else_becomes_one(
    digits: int, full_run: Run, pages: dict[str, Walkthrough]
) -> None:
    text = text_of(pages["backward"], 200, digits)
    section = section_with(text, "fc_dec2.weight.grad  [")
    computed = full_run.gradient("fc_dec2.weight")
    rows = [line.split()[1:-1] for line in section.splitlines() if line.strip()[:1] in set("⎡⎢⎣")]
    assert len(rows) == 4
    for row, numbers in zip(rows, computed, strict=True):
        for shown, number in zip(row, numbers, strict=True):
            assert (float(shown) == 0) == (number == 0)
            assert math.copysign(1, float(shown)) == math.copysign(1, number)


# --- ASCII ------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("command", COMMANDS)
def test_ascii_has_no_other_sign(command: str, width: int, pages: dict[str, Walkthrough]) -> None:
    text = text_of(pages[command], width, ascii_only=True)
    assert text.isascii()
    assert "\\x" not in text
    assert "\\u" not in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("command", ["forward", "backward"])
def test_ascii_says_the_same(command: str, width: int, pages: dict[str, Walkthrough]) -> None:
    text = text_of(pages[command], width, ascii_only=True)
    reading = Reading(ROUNDED.rounding, 5e-7)
    assert not wrong(claims(text), reading)
    if width >= 80:
        assert numbers_in(text) == numbers_in(text_of(pages[command], width))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
@pytest.mark.parametrize("arguments", [["forward", "--latex"], ["backward"], ["--help"]])
def test_an_encoding_without_our_signs_gets_ascii(
    arguments: list[str], encoding: str, cli: CommandLine
) -> None:
    outcome = cli(*arguments, encoding=encoding)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii()


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_title_is_broken_between_its_parts(cli: CommandLine, encoding: str) -> None:
    page = cli("forward", columns=40, encoding=encoding).out
    dot = "·" if encoding == "utf-8" else "*"
    title = page.splitlines()[1:3]
    assert title[0].endswith(f"seed 42 {dot}")
    assert title[1] == "x = [1, 2, 3, 4]"
