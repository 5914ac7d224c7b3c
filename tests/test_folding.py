"""Folding constants: the value stays, and a chain of factors comes to read well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from vae_explain.symbolic.expression import (
    ONE,
    ZERO,
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
    children,
)
from vae_explain.symbolic.measure import evaluate
from vae_explain.symbolic.simplify import simplify
from vae_explain.symbolic.text import to_text

from .support import same_number, trees

A, B, C, X = Ref("a"), Ref("b"), Ref("c"), Ref("x")
M, N = (Ref(name, value=np.ones((2, 2))) for name in ("m", "n"))
VECTOR = Ref("v", value=np.ones(2))
MU, UPSTREAM = Ref("mu"), Ref("g")
TWO, HALF, MINUS_HALF, MINUS = Number(2.0), Number(0.5), Number(-0.5), Number(-1.0)
EXP = Apply("exp", (Ref("logvar"),))


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        # The forms that the design names.
        pytest.param(
            Add((Mul((MINUS_HALF, ONE, ONE)), Mul((MINUS_HALF, MINUS, EXP)))),
            "½·(exp(logvar) - 1)",
            id="kl-by-logvar",
        ),
        pytest.param(Mul((MINUS_HALF, MINUS, TWO, MU)), "mu", id="kl-by-mu"),
        pytest.param(Add((X, X)), "2·x", id="fan-out-of-a-square"),
        pytest.param(Add((A * Number(3.0), B, A)), "4·a + b", id="like-terms-add"),
        # Products.
        pytest.param(Mul((ONE, A, ONE)), "a", id="ones-vanish"),
        pytest.param(Mul((A, ZERO, B)), "0", id="zero-times"),
        pytest.param(Mul((MINUS, MINUS)), "1", id="only-constants"),
        pytest.param(Neg(Neg(A)), "a", id="minus-minus"),
        pytest.param(-(A * MINUS), "a", id="minus-of-minus-one-times"),
        pytest.param(Mul((A, Mul((TWO, Mul((B, HALF)))))), "a·b", id="nested-products"),
        pytest.param(Mul((A, Neg(B))), "-a·b", id="sign-goes-in-front"),
        pytest.param(Mul((A, TWO)), "2·a", id="constant-goes-in-front"),
        pytest.param(TWO * (A + B), "2·(a + b)", id="factor-before-a-sum"),
        pytest.param(TWO * (HALF * A + HALF * B), "a + b", id="factor-meets-common-factor"),
        # Sums.
        pytest.param(Add((A, ZERO, B)), "a + b", id="zeros-vanish"),
        pytest.param(A - A, "0", id="all-cancels"),
        pytest.param(Add((A, B, -A)), "b", id="one-cancels"),
        pytest.param(Add((A, Add((B, C)))), "a + b + c", id="nested-sums"),
        pytest.param(A - (B - C), "a - b + c", id="minus-a-difference"),
        pytest.param(A - TWO * (B + C), "a - 2·b - 2·c", id="minus-twice-a-sum"),
        pytest.param(Add((ONE, TWO, A, MINUS)), "2 + a", id="constants-add"),
        pytest.param(-A + B, "b - a", id="positive-term-first"),
        pytest.param(-A - B, "-a - b", id="no-positive-term"),
        pytest.param(HALF * A - HALF * B, "½·(a - b)", id="common-constant"),
        pytest.param(MINUS_HALF * A + MINUS_HALF * B, "½·(-a - b)", id="common-negative-constant"),
        pytest.param(HALF * A + TWO * B, "½·a + 2·b", id="no-common-constant"),
        pytest.param(Add((A,)), "a", id="sum-of-one"),
        # Quotients and powers.
        pytest.param(A / ONE, "a", id="by-one"),
        pytest.param(ZERO / A, "0", id="zero-by"),
        pytest.param(ONE / Number(4.0), "¼", id="constant-quotient"),
        pytest.param(A * (ONE / Number(4.0)), "¼·a", id="constant-quotient-as-factor"),
        pytest.param(ONE / ZERO, "1/0", id="division-by-zero-stays"),
        pytest.param((A * ONE) / (B + ZERO), "a/b", id="inside-a-quotient"),
        pytest.param(A**ONE, "a", id="first-power"),
        pytest.param(A**ZERO, "1", id="zeroth-power"),
        pytest.param((A * ONE) ** (ONE + ONE), "a²", id="inside-a-power"),
        pytest.param(TWO * A ** (TWO - ONE), "2·a", id="derivative-of-a-square"),
        # Inside everything else.
        pytest.param(Apply("exp", (HALF * TWO * A,)), "exp(a)", id="inside-a-function"),
        pytest.param(MatMul(ONE * A, Transpose(ONE * B)), "a @ bᵀ", id="inside-a-matmul"),
        pytest.param(Transpose(Transpose(ONE * A)), "a", id="turned-over-and-back"),
        pytest.param(Transpose(MatMul(Transpose(M), N)), "nᵀ @ m", id="a-product-turned-over"),
        pytest.param(Transpose(MatMul(M, N)), "(m @ n)ᵀ", id="a-product-as-it-was-written"),
        pytest.param(
            Transpose(MatMul(Transpose(M), VECTOR)), "(mᵀ @ v)ᵀ", id="a-product-with-a-vector"
        ),
        pytest.param(
            Reshape(Reshape(ONE * A, (3, 2)), (6,)), "a.reshape(6)", id="the-last-of-two-shapes"
        ),
        pytest.param(SumOver(ONE * A, (0,), ()), "Σ(a)", id="inside-a-sum"),
        pytest.param(Reshape(ONE * A, (2,)), "a.reshape(2)", id="inside-a-reshape"),
        pytest.param(Opaque("f", (ONE * A, B)), "f(a, b)", id="inside-an-opaque"),
        pytest.param(Opaque("f", (A,)) + Opaque("f", (A,)), "2·f(a)", id="two-opaques"),
        pytest.param(Apply("max", (ONE * A, B)), "max(a, b)", id="inside-the-largest"),
        pytest.param(UPSTREAM * Apply("gate", (A,)) * ONE, "g·[a > 0]", id="gate-stays"),
    ],
)
def test_readable_forms(tree: Expression, text: str) -> None:
    assert to_text(simplify(tree)) == text


@given(trees())
def test_the_value_stays(tree: Expression) -> None:
    folded = simplify(tree)
    assert same_number(evaluate(folded), tree), to_text(folded)


@given(trees())
def test_folding_twice_is_folding_once(tree: Expression) -> None:
    folded = simplify(tree)
    assert to_text(simplify(folded)) == to_text(folded)


def is_number(tree: Expression, value: float) -> bool:
    return tree == Number(value)


@given(trees())
def test_nothing_is_left_to_fold(tree: Expression) -> None:
    def check(node: Expression) -> None:
        parts = children(node)
        match node:
            case Mul():
                assert len(parts) > 1, "a product of one"
                assert not any(isinstance(part, Mul | Neg) for part in parts), "nested product"
                constants = [part for part in parts if isinstance(part, Number)]
                assert len(constants) <= 1, "two constants"
                assert constants in ([], [parts[0]]), "constant behind a factor"
                assert ONE not in parts, "times one"
                assert ZERO not in parts, "times zero"
            case Add():
                assert len(parts) > 1, "a sum of one"
                assert not any(isinstance(part, Add) for part in parts), "nested sum"
                assert ZERO not in parts, "plus zero"
                assert len(set(parts)) == len(parts), "like terms"
            case Div(above, below):
                assert not is_number(below, 1), "by one"
                assert not is_number(above, 0), "zero by"
        for part in parts:
            check(part)

    check(simplify(tree))


def test_what_needs_a_shape_keeps_it() -> None:
    zeros = Mul((M, ZERO))
    assert to_text(simplify(MatMul(zeros, N))) == "full(0, shape=(2, 2)) @ n"
    assert to_text(simplify(MatMul(Add((zeros, VECTOR)), N))) == "v.expand(2, 2) @ n"
    ones = SumOver(Pow(M, ZERO), (0, 1), ())
    assert to_text(simplify(ones)) == "Σ(full(1, shape=(2, 2)))"


def test_a_folded_zero_has_no_sign() -> None:
    assert repr(evaluate(simplify(Mul((MINUS, ZERO, A))))) == "0.0"


def test_leaves_keep_their_numbers() -> None:
    tree = Div(Mul((ONE, Ref("x", (0,), value=3.0))), Ref("y", (1,), value=4.0))
    assert evaluate(simplify(tree)) == 0.75
