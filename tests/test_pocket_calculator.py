"""Every printed line, computed from its own text alone, gives its result as printed."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vae_explain.pages.render.numbers import Numbers
from vae_explain.symbolic.expression import Add, Expression, Ref
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.text import to_text

from . import documents, printed_lines, printed_tables
from .pages import Claim, command_line
from .pocket_calculator import broken, holds
from .support import in_turn, trees

RUNS = 40
# The others may have nothing but tables, and words.
WORKED = ("forward", "backward", "document", "update", "train", "compare")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for models that are put together."""
    return tmp_path_factory.mktemp("models")


@settings(max_examples=RUNS, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_every_line_gives_its_result_from_its_operands_as_printed(
    folder: Path, chance: random.Random
) -> None:
    page = printed_lines.asked(chance, folder)
    outcome = command_line(*page.words, columns=page.columns)
    assert outcome.code in (0, 1), outcome.err
    found = printed_lines.claims_of(page.form, outcome.out)
    assert page.words[0] not in WORKED or any(claim.summands for claim in found), outcome.out
    assert broken(found) == [], " ".join(page.words)


def test_what_tables_imply_is_read_in_each_format() -> None:
    for form in printed_lines.READERS:
        how = ["--format", form, "--digits", "3", "--x2", "2,3,4,5"]
        page = command_line("compare", *how).out if form != "notebook" else ""
        if page:
            implied = printed_tables.implied(form, page)
            assert len(implied) > 40, form
            assert broken(implied) == []
            at = page.rindex(implied[-1].value) if form == "text" else 0
            wrong = page[:at] + page[at:].replace(implied[-1].value, "777", 1)
            assert form != "text" or broken(printed_tables.implied(form, wrong))


@pytest.mark.parametrize("columns", [40, 48, 60])
def test_a_deep_derivation_breaks_no_name_on_a_narrow_page(columns: int) -> None:
    options = ("--dims", "2-2-3-2-2", "--activation", "tanh", "--x=0.9,0.25", "--x=0.1,0.5")
    page = command_line("why", "fc1.weight.grad[0,0]", "--full", *options, columns=columns).out
    assert "∂loss/∂decoder_hidden[0,1] =\n" in page
    assert not re.search(r"\w_\n", page)
    found = printed_lines.claims_of("text", page)
    assert len(found) > 20
    assert broken(found) == []


# --- one line ---------------------------------------------------------------------------


@given(trees(), st.integers(0, 12), st.booleans())
def test_a_line_holds_whatever_the_run_rounded(
    tree: Expression, digits: int, in_float32: bool
) -> None:
    numbers = Numbers(digits)
    shown = float(np.float32(evaluate(tree))) if in_float32 else evaluate(tree)
    written = numbers.line(tree, shown, numbers.one(shown, "value"))
    assert holds(Claim("y", (to_text(tree, written.leaf),), written.result))


def line(first: float, second: float, shown: float) -> str:
    """Write a sum of two numbers as a page does, with 4 decimals."""
    numbers = Numbers(4)
    tree = Add((Ref("a", (0,), value=first), Ref("b", (0,), value=second)))
    written = numbers.line(tree, shown, numbers.one(shown, "value"))
    return " ".join([to_text(tree, written.leaf), "=", written.result, written.remark]).strip()


@pytest.mark.parametrize(
    ("operands", "shown", "expected"),
    [
        ((1.2345, 2.0), 3.2345, "1.2345 + 2.0000 = 3.2345"),
        ((1.23454, 2.00004), 3.23458, "1.23454 + 2.00004 = 3.2346"),
        ((1.23454, 2.0), 3.2345499, "1.2345 + 2.0000 = 3.2345"),
        ((1.23455, 1.0), 2.2345499, "1.23455 + 1.0000 = 2.2345"),
        ((1.2345501, 1.0), 2.2345499, "1.23455 + 1.0000 = 2.23455"),
        ((1.2346, 1.0), 2.2341, "1.2346 + 1.0000 = 2.23   computed: 2.2341"),
        ((1.5, -1.5), 0.0, "1.5000 - 1.5000 = 0.0000"),
        ((math.inf, 1.0), math.inf, "inf + 1.0000 = inf"),
    ],
)
def test_operands_get_the_digits_that_their_line_takes(
    operands: tuple[float, float], shown: float, expected: str
) -> None:
    assert " ".join(line(*operands, shown).split()) == " ".join(expected.split())


# --- documents --------------------------------------------------------------------------

SHAPES = (
    # Smooth, as parameters without decimals put a ReLU at its corner, where no check can decide.
    ("--dims", "2-2-1-2-2", "--activation", "tanh", "--x=0.123456789,-1", "--x", "2,0.5"),
    ("--dims", "1-3-2-3-1", "--recon", "bce", "--activation", "tanh", "--x", "0.3333"),
    ("--dims", "3-2-2-2-3", "--reduction", "mean", "--seed", "7", "--x", "0.9,-2,1e-5"),
)


@pytest.mark.parametrize(("digits", "arithmetic"), in_turn(range(18), ("printed", "full")))
def test_a_document_with_any_digits_proof_reads_clean(
    digits: int, arithmetic: str, tmp_path: Path
) -> None:
    options = (*SHAPES[digits % len(SHAPES)], "--digits", str(digits), "--arithmetic", arithmetic)
    text = documents.document("markdown", *options)
    assert broken(documents.claims(text)) == []
    path = tmp_path / "walkthrough.md"
    path.write_text(text, encoding="utf-8")
    outcome = command_line("verify", str(path))
    assert outcome.code == 0, outcome.out


def test_parameters_and_noise_are_rounded_to_the_digits_of_the_page() -> None:
    def values(*options: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            command_line("forward", "--format", "json", *options).out
        )
        return found["values"]  # type: ignore[no-any-return]  # of JSON

    two, usual = values("--digits", "2"), values()
    for name in ("fc1.weight", "eps"):
        whole = np.array(values("--digits", "17")[name])
        assert np.array_equal(two[name], whole.round(2))
        assert np.array_equal(usual[name], whole.round(4))
    assert values("--arithmetic", "full") == values("--arithmetic", "full", "--digits", "2")
    header = "parameters and ε rounded to 2 decimals"
    assert header in command_line("forward", "--digits", "2", columns=120).out
    assert "rounded to 2 decimals" in documents.document("markdown", "--digits", "2")


def test_x_is_as_typed_in_the_arithmetic_of_a_page() -> None:
    typed = "0.1234567891,1,2,3"
    found = json.loads(command_line("forward", "--format", "json", "--x", typed).out)
    assert found["values"]["x"] == [[0.1234567891, 1.0, 2.0, 3.0]]
    page = command_line("forward", "--digits", "2", "--x", "0.1234,1,2,3").out
    assert "[  0.1234  1.0000  2.0000  3.0000  ]" in page
