"""Tensors too big for a page: what their summary says is true, and it fits every width."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from vae_explain.pages.blocks import Matrix, Summary, Walkthrough
from vae_explain.pages.render.terminal import terminal
from vae_explain.pages.render.terminal.heat import heat
from vae_explain.pages.walkthrough.tensors import (
    MOST_LARGEST,
    MOST_NUMBERS,
    largest,
    tensor,
)
from vae_explain.trace import Array

from .pages import ANSI, CommandLine, text_of

BIG = "--dims", "300-40-6-40-300"
GENERATOR = np.random.default_rng(7)


def summary(array: Array, places: str = "value") -> Summary:
    """Return the summary of a tensor that needs one."""
    block = tensor("h", array, "value", places, ask="h")  # type: ignore[arg-type]  # one of them
    assert isinstance(block, Summary)
    return block


def page(*blocks: Summary | Matrix) -> Walkthrough:
    return Walkthrough("forward", "a page", (), blocks)


# --- what is said -----------------------------------------------------------------------


def test_the_number_of_elements_decides() -> None:
    assert isinstance(tensor("h", np.zeros(MOST_NUMBERS), "value", "value"), Matrix)
    assert isinstance(tensor("h", np.zeros(MOST_NUMBERS + 1), "value", "value"), Summary)
    assert isinstance(tensor("h", np.zeros((1, 16, 17)), "value", "value"), Summary)


def test_a_summary_counts_and_measures() -> None:
    array = GENERATOR.normal(size=(30, 40)).astype(np.float32)
    array[3] = 0
    block = summary(array)
    numbers = array.astype(np.float64)
    assert (block.low, block.high) == (numbers.min(), numbers.max())
    assert block.mean == pytest.approx(numbers.mean(), rel=1e-12)
    assert block.norm == pytest.approx(np.linalg.norm(numbers), rel=1e-12)
    assert (block.zeros, block.not_finite) == (40, 0)
    assert block.array is array


def test_the_largest_numbers_stand_with_their_indices() -> None:
    array = GENERATOR.normal(size=(5, 6, 20))
    block = summary(array)
    sizes = np.sort(np.abs(array).ravel())[::-1]
    assert [abs(entry.value) for entry in block.largest] == sizes[:MOST_LARGEST].tolist()
    for entry in block.largest:
        index = tuple(map(int, entry.label.strip("[]").split(",")))
        assert array[index] == entry.value
    assert block.ask == f"h{block.largest[0].label}"


def test_equal_numbers_come_in_the_order_of_their_indices() -> None:
    array = np.zeros((20, 20))
    array[[3, 1, 7], [2, 9, 0]] = -5.0, 5.0, 5.0
    assert largest(array, 4) == [(1, 9), (3, 2), (7, 0), (0, 0)]


def test_what_is_not_finite_is_counted_and_comes_first() -> None:
    array = np.ones((20, 20))
    array[4, 4], array[5, 5], array[6, 6] = np.nan, -np.inf, -2.0
    block = summary(array)
    assert (block.low, block.high, block.not_finite) == (-2.0, 1.0, 2)
    assert [entry.label for entry in block.largest[:3]] == ["[4,4]", "[5,5]", "[6,6]"]
    assert "2 not finite" in text_of(page(block), 80)
    nothing_else = summary(np.full((20, 20), np.nan))
    assert nothing_else.not_finite == 400
    assert "400 not finite" in text_of(page(nothing_else), 80)


# --- the heat map -----------------------------------------------------------------------


def test_a_cell_is_the_mean_size_of_its_numbers() -> None:
    array = np.array([[1.0, -3.0, 0.0, 0.0], [5.0, 7.0, -2.0, 2.0]])
    found = heat(array, 2, 2)
    assert found.sizes.tolist() == [[2.0, 0.0], [6.0, 2.0]]
    assert found.signs.tolist() == [[-1, 0], [1, 0]]
    assert found.patch == (1, 2)


@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 7), (64, 3, 3, 3), (1, 1, 28, 28), (500, 2)])
def test_no_number_is_left_out_of_a_map(shape: tuple[int, ...]) -> None:
    array = GENERATOR.normal(size=shape)
    found = heat(array, 8, 10)
    rows, columns = found.sizes.shape
    assert rows <= 8
    assert columns <= 10
    flat = array.reshape(next(n for n in shape if n > 1) if rows > 1 else 1, -1)
    row_edges = [i * flat.shape[0] // rows for i in range(rows + 1)]
    column_edges = [i * flat.shape[1] // columns for i in range(columns + 1)]
    for i in range(rows):
        for j in range(columns):
            down, across = slice(*row_edges[i : i + 2]), slice(*column_edges[j : j + 2])
            assert found.sizes[i, j] == pytest.approx(np.abs(flat[down, across]).mean())


def test_a_map_shows_where_the_numbers_are() -> None:
    array = np.zeros((8, 40))
    array[2, 10:20] = 4.0
    array[5, 30:] = -1.0
    lines = text_of(page(summary(array)), 120).splitlines()
    rows = [line.strip()[2:42] for line in lines if line.strip()[:1] in "⎡⎢⎣" and line.strip()]
    assert rows[2] == " " * 10 + "█" * 10 + " " * 20
    assert rows[5] == " " * 30 + "░" * 10
    assert all(not row.strip() for i, row in enumerate(rows) if i not in (2, 5))
    coloured = terminal.coloured(terminal.lay_out(page(summary(array)), 120), "truecolor")
    positive, negative = (terminal.STYLES[sign][1:] for sign in ("positive", "negative"))
    codes = [";".join(str(int(c[i : i + 2], 16)) for i in (0, 2, 4)) for c in (positive, negative)]
    assert f"38;2;{codes[0]}m" + "█" * 10 in coloured.replace(" ", "")
    assert f"38;2;{codes[1]}m" + "░" * 10 in coloured.replace(" ", "")


# --- on a page --------------------------------------------------------------------------

ARRAYS = {
    "square": GENERATOR.normal(size=(40, 60)),
    "row": GENERATOR.normal(size=784),
    "column": GENERATOR.normal(size=(400, 1)),
    "images": GENERATOR.normal(size=(2, 3, 28, 28)),
    "zeros": np.zeros((30, 30)),
    "huge": GENERATOR.normal(size=(40, 60)) * 1e30,
    "tiny": GENERATOR.normal(size=(40, 60)) * 1e-30,
    "whole": np.arange(600).reshape(20, 30),
    "boolean": np.eye(20, dtype=bool),
}


@pytest.mark.parametrize("ascii_only", [False, True], ids=["signs", "ascii"])
@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_a_summary_fits_and_cuts_no_number(array: Array, width: int, ascii_only: bool) -> None:
    for places in ("value", "gradient", "parameter", "input"):
        block = summary(array, places)
        text = text_of(page(block), width, None, ascii_only)
        assert all(len(line) <= width for line in text.splitlines())
        assert text.isascii() or not ascii_only
        if block.low != block.high:
            for entry in block.largest:
                (shown,) = re.findall(rf"{re.escape(entry.label)} +(\S+)", text)
                assert float(shown) == pytest.approx(entry.value, rel=1e-4, abs=6e-5)


def test_a_page_of_a_big_model_says_how_to_see_any_number(cli: CommandLine, tmp_path: Path) -> None:
    for command in ("forward", "backward", "params"):
        outcome = cli(command, *BIG, "--x", " ".join(["0.5"] * 300), columns=120)
        assert outcome.code == 0, outcome.err
        assert "numbers left out" not in outcome.out
        note = re.sub(r"\s+", " ", outcome.out[outcome.out.index("Tensors of more than") :])
        (asked,) = re.findall(r'vae-explain (why ".*?")', note)
        answer = cli(*shlex.split(asked), *BIG, "--x", " ".join(["0.5"] * 300), columns=120)
        assert answer.code == 0, answer.err
        name = asked.split('"')[1]
        index = name[name.index("[") :]
        shown = re.findall(rf"{re.escape(index)} +(-?\d\S*)", outcome.out)
        assert shown
        assert shown[-1] in ANSI.sub("", answer.out)


def test_json_has_the_whole_of_what_a_page_summarises(cli: CommandLine) -> None:
    import json

    outcome = cli("forward", *BIG, "--x", " ".join(["0.5"] * 300), "--format", "json")
    values = json.loads(outcome.out)["values"]
    assert np.shape(values["fc1.weight"]) == (40, 300)
    assert np.shape(values["recon_x"]) == (1, 300)
