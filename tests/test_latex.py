"""Expressions as LaTeX: names, indices, fractions, and names that are no LaTeX at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Ref,
    Reshape,
    SumOver,
    Transpose,
)
from vae_explain.symbolic.latex import latex_name, to_latex

from .support import trees

A, B, C = Ref("a", value=1.0), Ref("b", value=-0.25), Ref("c", value=2.0)
HALF, ONE, TWO, MINUS = Number(0.5), Number(1.0), Number(2.0), Number(-1.0)
LOGVAR, VARIANCE = Ref("logvar"), Ref("variance")


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("mu", r"\mu"),
        ("logvar", r"\log\sigma^2"),
        ("recon_x", r"\hat{x}"),
        ("x", "x"),
        ("fc1.weight", r"\mathrm{fc1.weight}"),
        ("h_1", r"\mathrm{h\_1}"),
        ("a_b%{x}", r"\mathrm{a\_b\%\{x\}}"),
        ("<img>", r"\mathrm{<img>}"),
        ("$#&", r"\mathrm{\$\#\&}"),
        ("a\\b", r"\mathrm{a\backslash{}b}"),
        ("∂loss/∂mu", r"\frac{\partial \mathcal{L}}{\partial \mu}"),
        ("∂kl/∂fc1.weight", r"\frac{\partial \mathrm{KL}}{\partial \mathrm{fc1.weight}}"),
    ],
)
def test_names(name: str, latex: str) -> None:
    assert latex_name(name) == latex


def test_an_index_is_a_subscript() -> None:
    assert latex_name("mu", (0, 1)) == r"\mu_{0,1}"
    assert latex_name("mu", ()) == r"\mu"
    assert latex_name("fc1.bias", (3,)) == r"\mathrm{fc1.bias}_{3}"


def test_an_index_is_hung_on_all_of_a_name_of_several_signs() -> None:
    assert latex_name("logvar", (0, 1)) == r"\left(\log\sigma^2\right)_{0,1}"
    assert latex_name("∂loss/∂logvar", (0,)) == (
        r"\frac{\partial \mathcal{L}}{\partial \left(\log\sigma^2\right)_{0}}"
    )


@pytest.mark.parametrize(
    ("tree", "latex"),
    [
        pytest.param(A - B, "a - b", id="difference"),
        pytest.param(Add((A, Number(-1.0))), "a - 1", id="negative-constant"),
        pytest.param(A - (B + C), r"a - \left(b + c\right)", id="minus-a-sum"),
        pytest.param(Neg(Neg(A)), r"-\left(-a\right)", id="minus-minus"),
        pytest.param(
            HALF * (Apply("exp", (LOGVAR,)) - ONE),
            r"\tfrac{1}{2} \cdot \left(\exp\left(\log\sigma^2\right) - 1\right)",
            id="half",
        ),
        pytest.param(Mul((MINUS, A, B)), r"-a \cdot b", id="minus-one-times"),
        pytest.param(Mul((MINUS, A + B)), r"-\left(a + b\right)", id="minus-one-times-a-sum"),
        pytest.param(A * -B, r"a \cdot \left(-b\right)", id="negative-second-factor"),
        pytest.param(A / B, r"\frac{a}{b}", id="fraction"),
        pytest.param(A / (B / (A + C)), r"\frac{a}{\frac{b}{a + c}}", id="nested-fraction"),
        pytest.param(A**TWO, "a^{2}", id="square"),
        pytest.param((A - B) ** TWO, r"\left(a - b\right)^{2}", id="square-of-a-difference"),
        pytest.param((A / B) ** TWO, r"\left(\frac{a}{b}\right)^{2}", id="square-of-a-fraction"),
        pytest.param(TWO ** (A - B), "2^{a - b}", id="power-of-a-difference"),
        pytest.param(Ref("mu", (0,)) ** TWO, r"{\mu_{0}}^{2}", id="square-of-an-element"),
        pytest.param(VARIANCE**TWO, r"\left(\sigma^2\right)^{2}", id="square-of-sigma-squared"),
        pytest.param(
            Ref("logvar", (1,)) ** TWO,
            r"{\left(\log\sigma^2\right)_{1}}^{2}",
            id="square-of-an-element-of-several-signs",
        ),
        pytest.param(
            Ref("∂loss/∂a", (0,)) ** TWO,
            r"\left(\frac{\partial \mathcal{L}}{\partial a_{0}}\right)^{2}",
            id="square-of-a-derivative",
        ),
        pytest.param(HALF**TWO, r"\left(\tfrac{1}{2}\right)^{2}", id="square-of-a-half"),
        pytest.param(Number(1e-05) + A, "10^{-5} + a", id="small-constant"),
        pytest.param(Number(-2.5e-07) * A, r"-2.5 \cdot 10^{-7} \cdot a", id="smaller-constant"),
        pytest.param(
            Number(1e-05) ** TWO, r"\left(10^{-5}\right)^{2}", id="small-constant-squared"
        ),
        pytest.param(Apply("gate", (A,)), r"\left[a > 0\right]", id="gate"),
        pytest.param(Apply("relu", (A - B,)), r"\max\left(0, a - b\right)", id="relu"),
        pytest.param(Apply("sqrt", (A / B,)), r"\sqrt{\frac{a}{b}}", id="sqrt"),
        pytest.param(Apply("sigmoid", (A,)), r"\operatorname{sigmoid}\left(a\right)", id="sigmoid"),
        pytest.param(MatMul(A, Transpose(B)), r"a \, b^{\top}", id="matmul"),
        pytest.param(Transpose(A**TWO), r"\left(a^{2}\right)^{\top}", id="transposed-square"),
        pytest.param(Transpose(A) ** TWO, r"\left(a^{\top}\right)^{2}", id="square-of-transposed"),
        pytest.param(
            Transpose(VARIANCE), r"\left(\sigma^2\right)^{\top}", id="transposed-sigma-squared"
        ),
        pytest.param(Transpose(A / B), r"\left(\frac{a}{b}\right)^{\top}", id="transposed-ratio"),
        pytest.param(SumOver(A - B, (0,), ()), r"\sum \left(a - b\right)", id="sum"),
        pytest.param(SumOver(A, (0,), ()) ** TWO, r"\left(\sum a\right)^{2}", id="square-of-a-sum"),
        pytest.param(
            SumOver(A, (0,), ()) * B, r"\left(\sum a\right) \cdot b", id="sum-times-another"
        ),
        pytest.param(B * SumOver(A, (0,), ()), r"b \cdot \sum a", id="another-times-a-sum"),
        pytest.param(Reshape(A, (2, 3)), "a", id="reshape"),
        pytest.param(Apply("max", (A, B)), r"\max\left(a, b\right)", id="largest"),
        pytest.param(
            Opaque("conv_2d", (A, B), (("by_row", 2),)),
            r"\operatorname{conv\_2d}\left(a, b, \mathrm{by\_row=2}\right)",
            id="opaque",
        ),
    ],
)
def test_latex(tree: Expression, latex: str) -> None:
    assert to_latex(tree) == latex


def test_numbers_go_where_the_names_stand() -> None:
    def numbers(leaf: Number | Ref) -> str:
        return f"{leaf.value:.2f}"

    assert to_latex(A + B * C, numbers) == r"1.00 - 0.25 \cdot 2.00"
    assert to_latex(C * B, numbers) == r"2.00 \cdot \left(-0.25\right)"
    assert to_latex(B**TWO, numbers) == r"\left(-0.25\right)^{2.00}"


def test_an_unknown_node_is_named() -> None:
    class Strange(Expression):
        pass

    with pytest.raises(TypeError, match="no way to write Strange"):
        to_latex(A + Strange())


def balanced(latex: str) -> bool:
    """Whether braces and \\left, \\right pair up, as LaTeX demands."""
    bare = re.sub(r"\\[\\{}]", "", latex)
    depth = 0
    for mark in re.findall(r"[{}]", bare):
        depth += 1 if mark == "{" else -1
        if depth < 0:
            return False
    return depth == 0 and bare.count(r"\left") == bare.count(r"\right")


@given(trees())
def test_latex_of_any_tree_compiles_as_far_as_can_be_seen(tree: Expression) -> None:
    latex = to_latex(tree)
    assert balanced(latex), latex
    # `a^{2}^{3}` is a double superscript, which stops LaTeX.
    assert not re.search(r"\^\{[^{}]*\}\^", latex), latex
    assert "- -" not in latex
    assert "+ -" not in latex


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=2, max_size=12))
def test_no_name_breaks_out_of_its_braces(name: str) -> None:
    latex = latex_name(name, (0,))
    assert balanced(latex), latex
    assert latex.endswith("_{0}")
    for special in "$#%&":
        assert len(re.findall(rf"(?<!\\)\{special}", latex)) == 0, latex
