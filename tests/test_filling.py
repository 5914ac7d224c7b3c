"""Long arithmetic in a terminal: nothing of it is lost, and it is parted where it is loose."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.pages.render.numbers import Numbers
from vae_explain.pages.render.terminal.filling import filled
from vae_explain.pages.render.terminal.pieces import Canvas, Piece, width_of
from vae_explain.pages.render.terminal.symbols import Symbols
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Number,
    Ref,
)
from vae_explain.symbolic.text import symbol_text

from .support import trees

TAIL = [[Piece(" = ", "operator"), Piece("1.5", "accent")]]


def lines_of(tree: Expression, room: int, numbers: bool = True) -> list[str]:
    canvas = Canvas(80, Numbers(8), Symbols())
    canvas.room = room
    start = [Piece("y = ")]
    written = filled(
        start, 4, canvas.tokens(tree, canvas.numbers.leaf if numbers else symbol_text), TAIL, canvas
    )
    return ["".join(piece.text for piece in line) for line in written]


def tight(lines: list[str]) -> str:
    return "".join(lines).replace(" ", "")


@given(trees(), st.integers(12, 120))
def test_lines_say_what_one_line_says_and_no_number_is_parted(tree: Expression, room: int) -> None:
    (whole,) = lines_of(tree, 10**6)
    lines = lines_of(tree, room)
    assert tight(lines) == tight([whole])
    numbers = re.compile(r"\d[\d.]*(?:e[+-]\d+)?")
    assert [n for line in lines for n in numbers.findall(line)] == numbers.findall(whole)


@given(trees(), st.integers(40, 120))
def test_a_summand_that_fits_is_on_one_line(tree: Expression, room: int) -> None:
    lines = lines_of(tree, room)
    canvas = Canvas(80, Numbers(8), Symbols())
    for term in tree.terms if isinstance(tree, Add) else (tree,):
        pieces = canvas.tokens(term, canvas.numbers.leaf)
        written = "".join(piece.text for piece in pieces).removeprefix("-")
        if width_of(pieces) <= room - 7:  # with a sign before it, behind what is set in
            assert any(written in line for line in lines), lines


def value(number: float) -> Ref:
    return Ref("v", None, "value", number)


def normalised(a: float) -> Expression:
    """Write what a layer norm sends back, which has two levels of parentheses."""
    centred = Add((value(a), Number(-0.25)))
    inside = Add((Number(-1.0), Mul((Number(-1.0), centred, centred))))
    return Div(Mul((value(a), inside)), Apply("sqrt", (Add((value(a), Number(1e-05))),)))


LONG = Add((normalised(0.5), Mul((Number(-1.0), normalised(0.75))), value(0.125)))


@pytest.mark.parametrize(
    ("room", "lines"),
    [
        pytest.param(
            64,
            [
                "y = 0.50000000·(-1 - (0.50000000 - 0.25)·(0.50000000 - 0.25))",
                "      /sqrt(0.50000000 + 1e-05)",
                "    - 0.75000000·(-1 - (0.75000000 - 0.25)·(0.75000000 - 0.25))",
                "      /sqrt(0.75000000 + 1e-05)",
                "    + 0.12500000 = 1.5",
            ],
            id="between factors",
        ),
        pytest.param(
            48,
            [
                "y = 0.50000000·(-1 - (0.50000000 - 0.25)",
                "                     ·(0.50000000 - 0.25))",
                "      /sqrt(0.50000000 + 1e-05)",
                "    - 0.75000000·(-1 - (0.75000000 - 0.25)",
                "                       ·(0.75000000 - 0.25))",
                "      /sqrt(0.75000000 + 1e-05)",
                "    + 0.12500000 = 1.5",
            ],
            id="in parentheses",
        ),
    ],
)
def test_what_goes_on_stands_under_what_it_belongs_to(room: int, lines: list[str]) -> None:
    assert lines_of(LONG, room) == lines


@pytest.mark.parametrize("room", range(30, 60))
def test_a_long_number_in_parentheses_moves_its_line_to_the_left(room: int) -> None:
    number = value(-130446868.89648438)
    inside = Add((Number(1.0), number, Mul((Number(-1.0), Apply("exp", (number,))))))
    lines = lines_of(Mul((Number(-0.5), inside)), room)
    assert max(map(len, lines)) <= room, lines
