"""Which numbers a line may come to: all that PyTorch's arithmetic may give, and few others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_explain.symbolic.error_bound import TURNING, Precision, enclosure, may_be_nan
from vae_explain.symbolic.expression import (
    FUNCTIONS,
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
)
from vae_explain.symbolic.measure import measure

from .support import trees

KINDS = {"float16": np.float16, "float32": np.float32, "float64": np.float64}


def precision_of(kind: str) -> Precision:
    return Precision.of(np.finfo(KINDS[kind]))


def rounded(tree: Expression, kind: Callable[[Any], Any], order: int = 1) -> Any:
    """Evaluate a tree as an array library does: each operation rounded, sums from either end."""
    match tree:
        case Number(value) | Ref(value=value):
            return kind(value)
        case Neg(body):
            return -rounded(body, kind, order)
        case Add(terms):
            numbers = [rounded(term, kind, order) for term in terms][::order]
            total = numbers[0]
            for number in numbers[1:]:
                total = kind(total + number)
            return total
        case Mul(factors):
            found = kind(1)
            for factor in factors:
                found = kind(found * rounded(factor, kind, order))
            return found
        case Div(above, below):
            return kind(rounded(above, kind, order) / rounded(below, kind, order))
        case Pow(base, exponent):
            power = float(rounded(base, kind, order)) ** float(rounded(exponent, kind, order))
            return kind(power)
        case Apply(function, (argument,)):
            return kind(FUNCTIONS[function].value(float(rounded(argument, kind, order))))
    raise AssertionError(type(tree))


@given(trees(), st.sampled_from(sorted(KINDS)), st.sampled_from((1, -1)))
@settings(max_examples=400)
def test_it_holds_what_each_precision_gives(tree: Expression, kind: str, order: int) -> None:
    with np.errstate(all="ignore"):
        number = float(rounded(tree, KINDS[kind], order))
    if math.isnan(number):
        assert may_be_nan(tree, precision_of(kind))
    else:
        found = enclosure(tree, precision_of(kind))
        assert found.has(number), (found, number)


@given(trees())
@settings(max_examples=200)
def test_it_holds_little_else(tree: Expression) -> None:
    """The magnitude of a line is what its roundings are relative to, and there are not many."""
    found, (value, magnitude) = enclosure(tree, precision_of("float64")), measure(tree)
    if math.isfinite(found.size) and magnitude > 1e-100:
        assert found.high - found.low <= 1e-11 * max(magnitude, abs(value), 1.0)


def ref(value: float) -> Ref:
    return Ref("a", value=value)


def function(name: str, argument: Expression) -> Apply:
    return Apply(name, (argument,))


@pytest.mark.parametrize(
    ("tree", "number", "precision", "may_be"),
    [
        (Number(1.0) - function("sigmoid", ref(20.0)), 0.0, "float32", True),
        (Number(1.0) - function("sigmoid", ref(20.0)), 0.0, "float64", False),
        (Number(1.0) - function("sigmoid", ref(14.0)), 0.0, "float32", False),
        (ref(-90.0) * function("sigmoid", ref(-90.0)), -0.0, "float32", True),
        (ref(-60.0) * function("sigmoid", ref(-60.0)), -0.0, "float32", False),
        (function("exp", ref(100.0)), math.inf, "float32", True),
        (function("exp", ref(100.0)), math.inf, "float64", False),
        (function("exp", ref(11.5)), math.inf, "float16", True),
        (function("gate", ref(0.1) + ref(0.2) - ref(0.3)), 0.0, "float64", True),
        (function("gate", ref(0.1) + ref(0.2) - ref(0.2)), 0.0, "float64", False),
        (function("log", Number(1.0) - function("sigmoid", ref(20.0))), -100.0, "float32", True),
        (function("log", Number(1.0) - function("sigmoid", ref(10.0))), -100.0, "float32", False),
        (ref(1e4) + ref(-1e4), 1e-9, "float64", False),
        (ref(1e4) + ref(1.0) + ref(-1e4), 1.0005, "float32", True),
        (ref(1e4) + ref(1.0) + ref(-1e4), 1.1, "float32", False),
        (Apply("argmax", (ref(1.0), ref(1.0) * ref(1.0))), 1.0, "float32", True),
        (Apply("argmax", (ref(1.0), ref(1.1) * ref(1.0))), 0.0, "float32", False),
        (function("is_zero", ref(0.0)), 0.0, "float32", False),
        (Div(ref(1.0), ref(0.1) + ref(0.2) - ref(0.3)), 1e9, "float32", True),
    ],
)
def test_where_much_is_lost(tree: Expression, number: float, precision: str, may_be: bool) -> None:
    assert enclosure(tree, precision_of(precision)).has(number) == may_be


@pytest.mark.parametrize(
    ("tree", "in_float32", "in_float64"),
    [
        (ref(math.inf) * function("sigmoid", ref(-429.0)), True, False),
        (ref(math.inf) * function("sigmoid", ref(-80.0)), False, False),
        (function("exp", ref(100.0)) + Neg(function("exp", ref(99.0))), True, False),
        (ref(math.inf) + Neg(ref(math.inf)), True, True),
        (ref(math.inf) + ref(1.0), False, False),
        (Div(function("exp", ref(-200.0)), function("exp", ref(-200.0))), True, False),
        (Div(ref(0.0), ref(0.0)), True, True),
        (Div(ref(1.0), ref(0.0)), False, False),
        (function("log", ref(-1.0)), True, True),
    ],
)
def test_what_may_come_to_nan(tree: Expression, in_float32: bool, in_float64: bool) -> None:
    assert may_be_nan(tree, precision_of("float32")) == in_float32
    assert may_be_nan(tree, precision_of("float64")) == in_float64


def test_an_operand_with_more_digits_than_the_precision_is_rounded() -> None:
    third = ref(1 / 3)
    assert enclosure(third, precision_of("float64")) == (1 / 3, 1 / 3)
    assert enclosure(third, precision_of("float16")).has(float(np.float16(1 / 3)))


def test_a_number_of_the_line_alone_is_as_exact_as_its_own_line() -> None:
    made = ref(1e4) + ref(1.0) + ref(-1e4)
    mean = Ref("mean", value=1.0, made=lambda: made)
    assert enclosure(Mul((mean, ref(3.0))), precision_of("float32")).has(3.001)
    assert not enclosure(Mul((Ref("mean", value=1.0), ref(3.0))), precision_of("float32")).has(
        3.001
    )


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - set(TURNING) - {"max"}))
def test_what_is_not_listed_as_turning_turns_at_0_alone(name: str) -> None:
    for numbers in (np.linspace(0, 12, 500), np.linspace(-12, 0, 500)):
        values = [FUNCTIONS[name].value(float(number)) for number in numbers]
        steps = np.diff([value for value in values if math.isfinite(value)])
        assert (steps >= 0).all() or (steps <= 0).all()


def test_a_whole_tensor_is_no_number() -> None:
    from vae_explain.symbolic.expression import Transpose

    with pytest.raises(TypeError, match="whole tensor"):
        enclosure(Transpose(ref(1.0)), precision_of("float32"))


def test_gelus_slope_where_the_error_function_is_all_but_1() -> None:
    """PyTorch's own, many at a time, may come to a little more than 1 there."""
    at, arriving = torch.linspace(4.0, 7.0, 4001, requires_grad=True), 1.2747961282730103
    given = torch.full((4001,), arriving)
    (slopes,) = torch.autograd.grad(torch.nn.functional.gelu(at), at, given)
    for x, found in zip(at.tolist(), slopes.tolist(), strict=True):
        a, g = Ref("a", (), "value", x), Ref("g", (), "gradient", arriving)
        slope = Add((Apply("Φ", (a,)), Mul((a, Apply("φ", (a,))))))
        assert enclosure(Mul((g, slope)), precision_of("float32")).has(found), x
