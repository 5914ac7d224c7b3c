"""Displayed formulas in HTML: what their pieces say together, and where they are cut."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.pages.blocks import Formula, Walkthrough
from vae_explain.pages.render.html import inline
from vae_explain.pages.render.html.breaking import PAGE, PHONE, Breaker, symbol
from vae_explain.pages.render.html.document import write
from vae_explain.symbolic.boxes import LeafBox
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
)

from .html_pages import computed, parsed
from .support import same_number, trees
from .test_html_document import in_digits, read

A, B, C = Ref("alpha"), Ref("beta_of_some_length"), Ref("gamma_of_some_length")
TWO = Number(2.0)


def seen(markup: str) -> str:
    """Return a formula as a reader sees it, without the signs that nobody does."""
    return re.sub(r"\s+", " ", parsed(markup).text.replace("\u2061", ""))


def pieces(tree: Expression, room: float) -> list[str]:
    return [seen(piece.before + piece.text) for piece in Breaker(room).equation(tree)]


def closed(markup: str) -> ElementTree.Element:
    """Parse pieces, with the superscript of a parenthesis written as the power of all in it."""
    root = ElementTree.fromstring(markup)
    for power in [node for node in root.iter("msup") if node[0].text == ")"]:
        power.tag = "mrow"
        opening, closing = ElementTree.Element("mo"), ElementTree.Element("mo")
        opening.text, closing.text = "**(", ")"
        power.insert(1, opening)
        power.append(closing)
    return root


@given(trees(), st.floats(20, 400))
def test_a_formula_in_pieces_is_the_number_that_it_was(tree: Expression, room: float) -> None:
    found = Breaker(room, in_digits).equation(tree)
    markup = "".join(f"<mrow>{piece.before}{piece.text}</mrow>" for piece in found)
    assert same_number(computed(read(closed(f"<math>{markup}</math>"))), tree)
    for piece in found:
        parsed(piece.before + piece.text)  # each is whole in itself


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (Add((A, B, Neg(C))), ["alpha", "+beta_of_some_length", "−gamma_of_some_length"]),
        (
            Add((A, Mul((Number(-1.0), Add((B, C)))))),
            ["alpha", "−(beta_of_some_length", "+gamma_of_some_length)"],
        ),
        (Add((A, Neg(Add((B, C))))), ["alpha", "−(beta_of_some_length", "+gamma_of_some_length)"]),
        (Mul((TWO, B, C)), ["2", "·beta_of_some_length", "·gamma_of_some_length"]),
        (
            Mul((A, Add((B, C)))),
            ["alpha", "·(beta_of_some_length", "+gamma_of_some_length)"],
        ),
        (MatMul(Transpose(B), C), ["beta_of_some_length⊤", "gamma_of_some_length"]),
        (Div(Mul((B, C)), A), ["beta_of_some_length", "·gamma_of_some_length", "/alpha"]),
        (Div(Add((B, C)), A), ["(beta_of_some_length", "+gamma_of_some_length)", "/alpha"]),
        (Apply("exp", (Add((B, C)),)), ["exp(beta_of_some_length", "+gamma_of_some_length)"]),
        (
            Apply("sqrt", (Add((B, C)),)),
            ["(beta_of_some_length", "+gamma_of_some_length)1/2"],
        ),
        (SumOver(Mul((B, C)), (1,), (3,)), ["∑dim=1beta_of_some_length", "·gamma_of_some_length"]),
        (
            Opaque("conv", (B, C), (("stride", "2"),)),
            ["conv(beta_of_some_length,", "gamma_of_some_length,", "stride=2)"],
        ),
        (
            Opaque(".permute(1, 0)", (Reshape(Add((B, C)), (2, 3)),)),
            ["(beta_of_some_length", "+gamma_of_some_length)", ".reshape(2, 3)", ".permute(1, 0)"],
        ),
        (Pow(Add((B, C)), TWO), ["(beta_of_some_length", "+gamma_of_some_length)2"]),
    ],
)
def test_it_is_cut_outside_of_parentheses_first(tree: Expression, expected: list[str]) -> None:
    assert pieces(tree, 110.0) == expected


def test_what_has_room_stays_whole() -> None:
    tree = Mul((A, Div(Add((B, C)), Apply("sqrt", (B,)))))
    assert len(pieces(tree, 1e6)) == 1
    assert len(pieces(tree, 110.0)) > 3


def test_a_long_name_is_cut_at_its_joints() -> None:
    name = "proj.parametrizations.weight.original0"
    found = [seen(piece.text) for piece in symbol(name, 60.0)]
    assert "".join(found) == name
    assert found[:2] == ["proj", ".parametrizations"]
    gradient = [seen(piece.text) for piece in symbol(f"∂loss/∂{name}", 60.0)]
    assert "".join(gradient) == f"∂ℒ/∂{name}"


def test_a_phone_gets_smaller_pieces_only_where_a_page_has_larger_ones() -> None:
    assert PHONE < PAGE
    for tree, classes in (
        (Add((A, TWO)), [["equation"]]),
        (Mul((A, Add((B, C)))), [["equation", "wide"], ["equation", "narrow"]]),
    ):
        page = Walkthrough("forward", "", (), (Formula("y", tree),))
        found = parsed(write(page)).of_class("equation")
        assert [element.classes for element in found] == classes
        assert all("y" in element.text for element in found)


# --- in running text --------------------------------------------------------------------


def in_text(tree: Expression) -> str:
    return inline.line(inline.laid_out(tree, lambda node: LeafBox(node, "0.12345678")))


def test_a_line_of_numbers_is_parted_outside_of_parentheses() -> None:
    pair, four = Add((A, B)), Add((A, B, C, A))
    short = in_text(Mul((A, Div(pair, Add((B, C))))))
    assert re.sub("<[^>]*>", "", short.replace("<wbr>", "|")) == (
        "0.12345678|·(0.12345678&nbsp;+&nbsp;0.12345678)|/(0.12345678&nbsp;+&nbsp;0.12345678)"
    )
    long = in_text(Mul((A, four)))
    (held,) = parsed(long).of_class("whole")  # of which a page keeps its lines, and no phone
    assert held.text.count(" +") == 3
