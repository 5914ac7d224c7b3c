"""How a tree is written: that a reader takes the text for the arithmetic it stands for."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from vae_explain.pages.render.html import mathml
from vae_explain.pages.render.numbers import Numbers
from vae_explain.symbolic.expression import (
    FUNCTIONS,
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
    references,
)
from vae_explain.symbolic.latex import to_latex
from vae_explain.symbolic.text import (
    Token,
    constant_text,
    index_text,
    to_text,
    to_tokens,
)

from .support import same_number, trees

A, B, C = Ref("a", value=1.0116), Ref("b", value=-0.2387), Ref("c", value=2.0)
HALF, ONE, TWO, MINUS = Number(0.5), Number(1.0), Number(2.0), Number(-1.0)
EXP = Apply("exp", (Ref("logvar"),))


def numbers(leaf: Number | Ref) -> str:
    """Write a leaf as its number, as a page that prints four digits would."""
    return constant_text(leaf.value) if isinstance(leaf, Number) else f"{leaf.value:.4f}"


def exactly(leaf: Number | Ref) -> str:
    return repr(float(leaf.value))


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        pytest.param(A - B, "a - b", id="difference"),
        pytest.param(Add((-A, B)), "-a + b", id="opens-with-minus"),
        pytest.param(Add((A, MINUS)), "a - 1", id="negative-constant"),
        pytest.param(Add((A, Mul((MINUS, B)))), "a - b", id="minus-one-times"),
        pytest.param(Add((A, Mul((Number(-2.0), B)))), "a - 2·b", id="minus-two-times"),
        pytest.param(A - (B + C), "a - (b + c)", id="minus-a-sum"),
        pytest.param(A - (B - C), "a - (b - c)", id="minus-a-difference"),
        pytest.param(Neg(Neg(A)), "-(-a)", id="minus-minus"),
        pytest.param(HALF * (EXP - ONE), "½·(exp(logvar) - 1)", id="half"),
        pytest.param(Mul((Number(-0.5), A)), "-½·a", id="minus-half"),
        pytest.param(Mul((MINUS, A + B)), "-(a + b)", id="minus-one-times-a-sum"),
        pytest.param(Mul((A, Number(-0.5))), "a·(-½)", id="negative-second-factor"),
        pytest.param(Mul((A, -B)), "a·(-b)", id="negated-second-factor"),
        pytest.param(A * B * C, "a·b·c", id="product-of-three"),
        pytest.param(A * (B + C), "a·(b + c)", id="product-with-a-sum"),
        pytest.param(A / B / C, "a/b/c", id="quotient-of-quotient"),
        pytest.param(A / (B / C), "a/(b/c)", id="quotient-by-quotient"),
        pytest.param(A / (B * C), "a/(b·c)", id="quotient-by-product"),
        pytest.param((A + B) / C, "(a + b)/c", id="sum-by"),
        pytest.param(A ** Number(2.0), "a²", id="square"),
        pytest.param(A ** Number(3.0), "a³", id="cube"),
        pytest.param(A ** Number(4.0), "a^4", id="fourth-power"),
        pytest.param(A ** Number(-0.5), "a^(-½)", id="negative-power"),
        pytest.param(A**B, "a^b", id="power"),
        pytest.param(A ** (B + C), "a^(b + c)", id="power-of-a-sum"),
        pytest.param(A ** (B**C), "a^(b^c)", id="power-that-is-a-power"),
        pytest.param((A**B) ** C, "(a^b)^c", id="power-of-a-power"),
        pytest.param((A - B) ** TWO, "(a - b)²", id="square-of-a-difference"),
        pytest.param((A * B) ** TWO, "(a·b)²", id="square-of-a-product"),
        pytest.param((-A) ** TWO, "(-a)²", id="square-of-a-negative"),
        pytest.param(-(A**TWO), "-a²", id="negative-of-a-square"),
        pytest.param(Apply("gate", (A,)), "[a > 0]", id="gate"),
        pytest.param(Apply("relu", (A - B,)), "relu(a - b)", id="relu"),
        pytest.param(Ref("w", (0, 12)), "w[0,12]", id="index"),
        pytest.param(Ref("loss", ()), "loss", id="index-of-a-scalar"),
        pytest.param(MatMul(A, Transpose(B)), "a @ bᵀ", id="matmul"),
        pytest.param(Transpose(MatMul(A, B)), "(a @ b)ᵀ", id="transposed-product"),
        pytest.param(Transpose(A / B), "(a/b)ᵀ", id="transposed-quotient"),
        pytest.param(MatMul(A + B, C), "(a + b) @ c", id="matmul-of-a-sum"),
        pytest.param(MatMul(A, B / C), "a @ (b/c)", id="matmul-with-a-quotient"),
        pytest.param(A / MatMul(B, C), "a/(b @ c)", id="quotient-by-matmul"),
        pytest.param(Mul((A, MatMul(B, C))), "a·(b @ c)", id="product-with-matmul"),
        pytest.param(Reshape(A, (2, 3)), "a.reshape(2, 3)", id="reshape"),
        pytest.param(Reshape(MatMul(A, B), (2,)), "(a @ b).reshape(2)", id="reshaped-product"),
        pytest.param(Reshape(A / B, (2,)), "(a/b).reshape(2)", id="reshaped-quotient"),
        pytest.param(Number(-0.5) * SumOver(A, (0,), ()), "-½·Σ(a)", id="sum"),
        pytest.param(Apply("max", (A - B, C)), "max(a - b, c)", id="largest"),
        pytest.param(Opaque("f", (A + B, C)), "f(a + b, c)", id="opaque"),
        pytest.param(
            B * Opaque("f", (A,), (("by", 2), ("to", (1, 3)))),
            "b·f(a, by=2, to=(1, 3))",
            id="opaque-with-options",
        ),
    ],
)
def test_symbols(tree: Expression, text: str) -> None:
    assert to_text(tree) == text


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        pytest.param(A * B, "1.0116·(-0.2387)", id="negative-second-factor"),
        pytest.param(B * A, "-0.2387·1.0116", id="negative-first-factor"),
        pytest.param(A + B, "1.0116 - 0.2387", id="negative-term"),
        pytest.param(A - B, "1.0116 - (-0.2387)", id="minus-a-negative"),
        pytest.param(-B, "-(-0.2387)", id="negated-negative"),
        pytest.param(B ** Number(2.0), "(-0.2387)²", id="square-of-a-negative"),
        pytest.param(A / B, "1.0116/(-0.2387)", id="quotient-by-a-negative"),
        pytest.param(C + A * B, "2.0000 + 1.0116·(-0.2387)", id="term-with-a-product"),
        pytest.param(C + B * A, "2.0000 - 0.2387·1.0116", id="negative-product-as-a-term"),
        pytest.param(HALF * (A - ONE), "½·(1.0116 - 1)", id="constants-stay-symbols"),
    ],
)
def test_substituted_numbers(tree: Expression, text: str) -> None:
    assert to_text(tree, numbers) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"), (-3.0, "-3"), (0.5, "½"), (-0.5, "-½"), (0.25, "¼"), (-0.25, "-¼"),
        (0.1, "0.1"), (1e-05, "1e-05"), (0.0, "0"), (1 / 3, "(1/3)"), (-2 / 15, "-(2/15)"),
        (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"),
        (math.sqrt(0.5), "0.70710678"), (-0.9444444179534912, "-0.94444442"),
        (1 - 0.999, "0.001"), (2**-52, "2.220446e-16"), (1 - 1e-12, "0.999999999999"),
        (0.1234567891, "0.1234567891"), (100 + 1e-9, "100.000000001"),
    ],
)  # fmt: skip
def test_constants(value: float, text: str) -> None:
    assert constant_text(value) == text


def test_a_constant_is_whole_where_all_digits_are_asked_for() -> None:
    half = Number(math.sqrt(0.5))
    assert Numbers().leaf(half) == "0.70710678"
    assert Numbers(17).leaf(half) == "0.7071067811865476"


def test_an_index_is_written_as_python_writes_it() -> None:
    assert index_text((0, 1)) == "[0,1]"
    assert index_text((3,)) == "[3]"
    assert index_text(()) == ""


# --- pieces -----------------------------------------------------------------------------


def test_pieces_carry_the_role_of_what_they_write() -> None:
    weight = Ref("W", (0, 1), "parameter", -0.5)
    x = Ref("x", (1,), "input", 2.0)
    noise = Ref("eps", (0,), "noise", 0.25)
    upstream = Ref("∂loss/∂y", (0,), "gradient", 1.0)
    assert to_tokens(x * weight - noise * upstream / Number(2.0)) == [
        Token("x[1]", "input"),
        Token("·", "operator"),
        Token("W[0,1]", "parameter"),
        Token(" - ", "operator"),
        Token("eps[0]", "noise"),
        Token("·", "operator"),
        Token("∂loss/∂y[0]", "gradient"),
        Token("/", "operator"),
        Token("2", "constant"),
    ]


def test_a_sign_that_moves_into_the_operator_leaves_the_role_behind() -> None:
    weight = Ref("W", (), "parameter", -0.5)
    assert to_tokens(A + weight, numbers) == [
        Token("1.0116", "value"),
        Token(" - ", "operator"),
        Token("0.5000", "parameter"),
    ]


@given(trees())
def test_no_piece_is_empty(tree: Expression) -> None:
    assert all(token.text for token in to_tokens(tree))


# --- reading back -----------------------------------------------------------------------

TO_PYTHON = {
    "·": "*", "^": "**", "²": "**2", "³": "**3", "½": "0.5", "¼": "0.25",
    "[": "gate(", " > 0]": ")",
}  # fmt: skip


def read_back(text: str, names: dict[str, float]) -> float:
    """Translate a written line into Python, mark by mark, and let Python compute it."""
    for mark, python in TO_PYTHON.items():
        text = text.replace(mark, python)
    scope: dict[str, Any] = {name: function.value for name, function in FUNCTIONS.items()}
    return float(eval(text, {"__builtins__": {}}, scope | names))


@given(trees())
def test_substituted_numbers_read_back_as_the_same_number(tree: Expression) -> None:
    text = to_text(tree, exactly)
    assert same_number(read_back(text, {}), tree), text


@given(trees())
def test_symbols_read_back_as_the_same_number(tree: Expression) -> None:
    text = to_text(tree)
    names = {leaf.name: float(leaf.value) for leaf in references(tree)}
    assert same_number(read_back(text, names), tree), text


@given(trees())
def test_no_sign_is_added_or_follows_another_sign(tree: Expression) -> None:
    text = to_text(tree, exactly)
    for clumsy in ("+ -", "- -", "--", "·-", "/-", "^-"):
        assert clumsy not in text


@pytest.mark.parametrize(
    "tree", [Add((A, B)), Mul((A, B)), Neg(A), Div(A, B), Pow(A, B), Apply("exp", (A,))]
)
def test_an_unknown_part_is_named(tree: Expression) -> None:
    class Strange(Expression):
        pass

    with pytest.raises(TypeError, match="no way to write Strange"):
        to_text(Mul((tree, Strange())))


def test_a_sum_names_its_axes_where_several_numbers_remain() -> None:
    whole, rows, several = (
        SumOver(A, (0,), ()),
        SumOver(A, (1,), (3,)),
        SumOver(A, (0, 2), (1, 4, 1)),
    )
    assert [to_text(sum_) for sum_ in (whole, rows, several)] == [
        "Σ(a)",
        "Σ(a, dim=1)",
        "Σ(a, dim=(0, 2))",
    ]
    assert to_latex(whole) == r"\sum a"
    assert to_latex(rows) == r"\sum_{\mathrm{dim}=1} a"


def test_a_sum_in_another_shape_keeps_its_parentheses() -> None:
    shaped = Reshape(A + B, (1, 2))
    assert to_latex(Transpose(shaped)) == r"\left(a + b\right)^{\top}"
    assert to_latex(Number(2.0) * shaped) == r"2 \cdot \left(a + b\right)"
    moved = Opaque(".permute(1, 0)", (shaped,), (), lambda x: x)
    assert to_latex(moved) == r"\left(a + b\right)\mathtt{.reshape(1, 2).permute(1, 0)}"
    written = mathml.markup(mathml.laid_out(moved))
    assert '>(</mo><mrow><mrow class="value"><mi>a</mi>' in written
    assert ".reshape(1, 2).permute" in written
