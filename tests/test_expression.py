"""The tree: what number it stands for, how far rounding may move it, what it refers to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

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
    children,
    references,
)
from vae_explain.symbolic.measure import evaluate, measure
from vae_explain.symbolic.whole import evaluate_whole

from .support import WHOLE_FUNCTIONS, same_number, trees

A = Ref("a", value=3.0)
B = Ref("b", value=-0.5)
INFINITY = math.inf


def apply(function: str, argument: float) -> Expression:
    return Apply(function, (Number(argument),))


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        pytest.param(Number(0.25), 0.25, id="number"),
        pytest.param(A, 3.0, id="reference"),
        pytest.param(Add((A, B, Number(10.0))), 12.5, id="add"),
        pytest.param(Mul((A, B, Number(4.0))), -6.0, id="mul"),
        pytest.param(Neg(B), 0.5, id="neg"),
        pytest.param(Div(A, B), -6.0, id="div"),
        pytest.param(Pow(B, Number(3.0)), -0.125, id="pow"),
        pytest.param(Pow(Number(4.0), B), 0.5, id="pow-of-reference"),
        pytest.param(apply("exp", 2.0), math.exp(2.0), id="exp"),
        pytest.param(apply("log", 2.0), math.log(2.0), id="log"),
        pytest.param(apply("sqrt", 2.25), 1.5, id="sqrt"),
        pytest.param(apply("relu", 2.5), 2.5, id="relu-open"),
        pytest.param(apply("relu", -2.5), 0.0, id="relu-closed"),
        pytest.param(apply("gate", 2.5), 1.0, id="gate-open"),
        pytest.param(apply("gate", 0.0), 0.0, id="gate-at-zero"),
        pytest.param(apply("gate", -2.5), 0.0, id="gate-closed"),
        pytest.param(apply("sigmoid", 0.75), 1 / (1 + math.exp(-0.75)), id="sigmoid"),
        pytest.param(apply("sigmoid", -0.75), 1 / (1 + math.exp(0.75)), id="sigmoid-negative"),
        pytest.param(apply("tanh", 0.75), math.tanh(0.75), id="tanh"),
    ],
)
def test_every_kind_of_node_has_its_value(tree: Expression, value: float) -> None:
    assert evaluate(tree) == pytest.approx(value, rel=1e-15)


def test_operators_build_the_arithmetic_they_look_like() -> None:
    assert evaluate(A + B) == 2.5
    assert evaluate(A - B) == 3.5
    assert evaluate(A * B) == -1.5
    assert evaluate(A / B) == -6.0
    assert evaluate(B**A) == -0.125
    assert evaluate(-A) == -3.0


@pytest.mark.parametrize(
    ("above", "below"),
    [(1.0, 0.0), (-1.0, 0.0), (1.0, -0.0), (-1.0, -0.0), (0.0, 0.0), (math.nan, 0.0)],
)
def test_division_by_zero_is_what_an_array_library_gives(above: float, below: float) -> None:
    with np.errstate(all="ignore"):
        expected = np.float64(above) / np.float64(below)
    assert evaluate(Number(above) / Number(below)) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("base", "exponent"),
    [
        pytest.param(0.0, -1.0, id="one-over-zero"),
        pytest.param(-0.0, -1.0, id="one-over-negative-zero"),
        pytest.param(-0.0, -2.0, id="one-over-zero-squared"),
        pytest.param(0.0, 0.0, id="zero-to-the-zero"),
        pytest.param(-8.0, 1 / 3, id="complex-root"),
        pytest.param(10.0, 400.0, id="overflow"),
        pytest.param(-10.0, 401.0, id="negative-overflow"),
        pytest.param(-10.0, 400.0, id="negative-overflow-even"),
        pytest.param(math.nan, 2.0, id="nan"),
        pytest.param(INFINITY, -1.0, id="infinity"),
    ],
)
def test_power_at_its_edges_is_what_an_array_library_gives(base: float, exponent: float) -> None:
    with np.errstate(all="ignore"):
        expected = np.float64(base) ** np.float64(exponent)
    assert evaluate(Number(base) ** Number(exponent)) == pytest.approx(expected, nan_ok=True)


# What each function is, said once more in the words of an array library.
BY_ARRAY: dict[str, Callable[[np.float64], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    # 1/(1 + exp(-x)) is right where exp overflows to infinity, which an array may do.
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x < 0, 0.0, x),
    # A ReLU lets pass the gradient of what it lets pass, a NaN among them.
    "gate": lambda x: not x <= 0,
}


@pytest.mark.parametrize("name", BY_ARRAY)
@pytest.mark.parametrize(
    "argument", [0.0, -0.0, 709.78, 709.785, 1e9, -1e9, INFINITY, -INFINITY, math.nan]
)
def test_functions_neither_overflow_nor_raise(name: str, argument: float) -> None:
    with np.errstate(all="ignore"):
        expected = float(BY_ARRAY[name](np.float64(argument)))
    assert evaluate(apply(name, argument)) == pytest.approx(expected, nan_ok=True)


# --- magnitude --------------------------------------------------------------------------


def test_magnitude_of_a_sum_that_cancels_is_that_of_its_terms() -> None:
    value, magnitude = measure(Number(1e6) + B - Number(1e6))
    assert value == -0.5
    assert magnitude == 2e6 + 0.5


def test_magnitude_goes_through_products_quotients_and_signs() -> None:
    cancelled = Number(100.0) - Number(99.0)
    assert measure(-(cancelled * B)).magnitude == pytest.approx(199 * 0.5)
    assert measure(cancelled / Number(-4.0)).magnitude == pytest.approx(199 / 4)
    assert measure(Number(3.0) / cancelled).magnitude == pytest.approx(3 * 199)


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(lambda t: Apply("exp", (t,)), id="exp"),
        pytest.param(lambda t: Apply("log", (t,)), id="log"),
        pytest.param(lambda t: Apply("sqrt", (t,)), id="sqrt"),
        pytest.param(lambda t: Apply("tanh", (t,)), id="tanh"),
        pytest.param(lambda t: Apply("sigmoid", (t,)), id="sigmoid"),
        pytest.param(lambda t: Apply("relu", (t,)), id="relu"),
        pytest.param(lambda t: Apply("relu", (-t,)), id="relu-closed"),
        pytest.param(lambda t: t ** Number(2.0), id="square"),
        pytest.param(lambda t: t ** Number(-0.5), id="inverse-root"),
        pytest.param(lambda t: Number(2.0) ** t, id="power-of-two"),
        pytest.param(lambda t: Number(1.0) / t, id="quotient"),
    ],
)
def test_magnitude_bounds_what_a_rounded_argument_does(
    tree: Callable[[Expression], Expression],
) -> None:
    # The argument is 0.001 and comes out of a sum of thousands, exact to about 1e-12: what
    # a function makes of that uncertainty must lie within magnitude times the precision.
    big, small, precision = 4096.0, 0.001, 2.0**-53
    summed = Number(big) + Number(small) - Number(big)
    moved = evaluate(summed) + 2 * big * precision
    shift = abs(evaluate(tree(Number(moved))) - evaluate(tree(summed)))
    assert shift <= 1.01 * precision * measure(tree(summed)).magnitude


def test_magnitude_of_a_relu_covers_a_gate_that_rounding_could_open() -> None:
    hundred = Ref("hundred", value=100.0)
    barely_closed = Apply("relu", (hundred - Number(100.0) - Number(1e-15),))
    assert evaluate(barely_closed) == 0.0
    assert measure(barely_closed).magnitude >= 200


def test_magnitude_is_not_needlessly_large() -> None:
    line = Number(0.5) * (Apply("exp", (B,)) - Number(1.0))
    value, magnitude = measure(line)
    assert abs(value) < magnitude < 2
    assert measure(A ** Number(2.0)).magnitude <= 2 * 9.0


@given(trees())
def test_magnitude_is_at_least_the_value(tree: Expression) -> None:
    value, magnitude = measure(tree)
    assert magnitude >= abs(value) * (1 - 1e-12)


# --- whole tensors ----------------------------------------------------------------------

ROW = np.array([[0.25, -1.5, 3.0], [2.0, 0.5, -0.75]])
OTHER = np.array([[1.0, 2.0, -2.5], [0.125, 4.0, 1.5]])


@pytest.mark.parametrize(
    "tree",
    [
        pytest.param(lambda a, b: Add((a, b, Number(2.0))), id="add"),
        pytest.param(lambda a, b: a - b, id="sub"),
        pytest.param(lambda a, b: Mul((Number(-1.0), a, b)), id="mul"),
        pytest.param(lambda a, b: a / b, id="div"),
        pytest.param(lambda a, b: a ** Number(3.0), id="pow"),
        pytest.param(lambda a, b: Number(2.0) ** b, id="pow-of-array"),
        *(
            pytest.param(lambda a, b, name=name: Apply(name, (a * b,)), id=name)
            for name in ("exp", "sigmoid", "tanh", "relu", "gate")
        ),
    ],
)
def test_a_formula_over_arrays_is_its_lines_side_by_side(
    tree: Callable[[Expression, Expression], Expression],
) -> None:
    whole = evaluate_whole(tree(Ref("a", value=ROW), Ref("b", value=OTHER)), WHOLE_FUNCTIONS)
    for index in np.ndindex(*ROW.shape):
        element = tree(
            Ref("a", index, value=float(ROW[index])), Ref("b", index, value=float(OTHER[index]))
        )
        assert whole[index] == pytest.approx(evaluate(element), rel=1e-14), index


@given(trees())
def test_both_ways_of_evaluating_agree(tree: Expression) -> None:
    assert same_number(float(evaluate_whole(tree, WHOLE_FUNCTIONS)), tree)


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        pytest.param(MatMul, ROW @ OTHER.T, id="matmul"),
        pytest.param(
            lambda a, b: Reshape(a, (3, 2)),
            np.array([[0.25, -1.5], [3, 2], [0.5, -0.75]]),
            id="reshape",
        ),
        pytest.param(lambda a, b: SumOver(a, (0,), (3,)), np.array([2.25, -1, 2.25]), id="sum"),
        pytest.param(lambda a, b: SumOver(a, (1,), (2, 1)), np.array([[1.75], [1.75]]), id="keep"),
        pytest.param(lambda a, b: SumOver(a, (0, 1), ()), np.array(3.5), id="sum-of-all"),
        pytest.param(lambda a, b: SumOver(a, (), (2, 3)), ROW, id="sum-of-none"),
        pytest.param(
            lambda a, b: Opaque("roll", (a, Number(1.0)), (), lambda x, n: x[:, ::-1] + n),
            ROW[:, ::-1] + 1,
            id="opaque",
        ),
    ],
)
def test_nodes_over_whole_tensors(
    tree: Callable[[Expression, Expression], Expression], value: np.ndarray[tuple[int, ...], Any]
) -> None:
    other = Transpose(Ref("b", value=OTHER))
    found = evaluate_whole(tree(Ref("a", value=ROW), other), WHOLE_FUNCTIONS)
    assert found.shape == value.shape
    np.testing.assert_allclose(found, value, rtol=1e-15)


@pytest.mark.parametrize(
    "tree",
    [
        MatMul(A, B),
        Transpose(A),
        Reshape(A, (1,)),
        SumOver(A, (0,), ()),
        Opaque("f", (A,)),
    ],
)
def test_one_number_is_not_asked_of_a_whole_tensor(tree: Expression) -> None:
    with pytest.raises(TypeError, match=f"{type(tree).__name__} stands for a whole tensor"):
        evaluate(tree)


def test_an_unknown_node_is_named() -> None:
    class Strange(Expression):
        pass

    with pytest.raises(TypeError, match="Strange"):
        evaluate_whole(Strange(), WHOLE_FUNCTIONS)


# --- walking ----------------------------------------------------------------------------


def test_children_come_in_the_order_they_are_written() -> None:
    assert children(Add((A, B))) == children(Mul((A, B))) == (A, B)
    assert children(A / B) == children(A**B) == children(MatMul(A, B)) == (A, B)
    assert children(Apply("exp", (A,))) == children(-A) == children(Transpose(A)) == (A,)
    assert children(SumOver(A, (0,), ())) == children(Reshape(A, (1,))) == (A,)
    assert children(Opaque("f", (A, B))) == children(Apply("max", (A, B))) == (A, B)
    assert children(A) == children(Number(1.0)) == ()


def test_opaque_nodes_are_equal_when_they_are_written_alike() -> None:
    one = Opaque("f", (A,), (("stride", 2),), lambda a: a)
    assert one == Opaque("f", (A,), (("stride", 2),), lambda a: -a)
    assert one != Opaque("f", (A,), (("stride", 3),), lambda a: a)
    assert one != Opaque("f", (B,), (("stride", 2),), lambda a: a)


def test_the_largest_is_as_exact_as_what_it_was_chosen_from() -> None:
    numbers = [Number(-3.0), Number(2.0), Number(1e-3)]
    assert measure(Apply("max", tuple(numbers))) == (2.0, 3.0)
    with_nan = (Number(1.0), Number(math.nan), Number(2.0))
    assert math.isnan(evaluate(Apply("max", with_nan)))
    cancelling = Add((Number(1e9), Number(-1e9)))
    assert measure(Apply("max", (cancelling, Number(1.0)))) == (1.0, 2e9)


def test_references_come_once_each_in_order_of_appearance() -> None:
    first, second = Ref("x", (0,), value=1.0), Ref("x", (1,), value=2.0)
    tree = Add((second * first, Apply("exp", (A,)), first / Number(2.0)))
    assert references(tree) == [second, first, A]


def test_references_are_equal_by_name_and_index_and_not_by_value() -> None:
    assert Ref("x", (0,), value=1.0) == Ref("x", (0,), value=2.0)
    assert Ref("x", (0,)) != Ref("x", (1,))
    assert Ref("x", (0,)) != Ref("x")
