"""Long sums: what stands for many elements is what the rules say of each of them."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.ops import Rule
from vae_explain.ops.array_bounds import Bounds, sized
from vae_explain.ops.at_once import (
    NotAtOnce,
    Summands,
    abridged,
    grid,
    is_many,
    one_of,
    shape_of_many,
    writing_up_to,
)
from vae_explain.ops.broadcasting import indices
from vae_explain.ops.rule import OfMany, Ways
from vae_explain.symbolic.error_bound import Precision, enclosure
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Div,
    Each,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Rest,
)
from vae_explain.symbolic.measure import evaluate, measure

from .examples import Example
from .support import call_of
from .test_ops import on_every_example

FLOAT32 = Precision.of(np.finfo(np.float32))


def expanded(ways: list[tuple[Index, Expression]]) -> list[tuple[Index, Expression]]:
    """Write each way by itself."""
    each = []
    for out, slope in ways:
        if not is_many(out):
            each.append((out, slope))
            continue
        shape = shape_of_many(out)
        for at in range(math.prod(shape)):
            place = np.unravel_index(at, shape[::-1])[::-1]
            full = tuple(int(np.broadcast_to(axis, shape)[place]) for axis in out)
            each.append((full, one_of(slope, place)))
    return each


@on_every_example
def test_the_ways_at_once_are_the_partials(rule: Rule, example: Example) -> None:
    if not isinstance(rule.partials, Ways):
        return
    call = call_of(rule, example)
    for position, operand in enumerate(call.operands):
        for index in list(indices(operand.shape))[:12]:
            with writing_up_to(10**6):
                expected = rule.partials(call, position, index)
            with writing_up_to(1):
                assert expanded(rule.ways(call, position, index)) == expected


@on_every_example
def test_many_elements_are_each_of_them(rule: Rule, example: Example) -> None:
    if not isinstance(rule.element, OfMany):
        return
    call = call_of(rule, example)
    shape = call.output.shape
    if not shape or not math.prod(shape):
        return
    places = grid([np.arange(size) for size in shape])
    with writing_up_to(10**6):
        try:
            formula = rule.element(call, places)
        except NotAtOnce:
            return
        for at, index in enumerate(indices(shape)):
            assert one_of(formula, (at,)) == rule.element(call, index)


@on_every_example
def test_the_ways_of_many_are_those_of_each(rule: Rule, example: Example) -> None:
    if not rule.ways_of_many:
        return
    call = call_of(rule, example)
    for position, operand in enumerate(call.operands):
        if not operand.shape or not math.prod(operand.shape):
            continue
        places = grid([np.arange(size) for size in operand.shape])
        with writing_up_to(10**6):
            try:
                ways = rule.ways(call, position, places)
            except NotAtOnce:
                continue
            for at, index in enumerate(indices(operand.shape)):
                own: list[Any] = []
                for out, slope in ways:
                    shape = np.broadcast_shapes((math.prod(operand.shape),), shape_of_many(out))
                    lead = [range(size) for size in shape[:-1]]
                    for place in product(*lead):
                        full = tuple(
                            int(np.broadcast_to(axis, shape)[(*place, at)]) for axis in out
                        )
                        own.append((full, one_of(slope, (*place, at))))
                assert own == rule.partials(call, position, index)


def test_a_long_sum_is_the_sum_of_its_terms() -> None:
    numbers = np.random.default_rng(0).normal(size=(300, 2))

    def leaf(column: int, places: Any) -> Each:
        def one(index: Index) -> Expression:
            return Ref(f"x{column}", index, value=float(numbers[index[0], column]))

        return Each(f"x{column}", value=numbers[:, column], places=(places,), one=one)

    places = np.arange(300)
    short = abridged([Summands(leaf(0, places) * leaf(1, places), (300,))])
    assert len(short.terms) == 9
    rest = short.terms[-1]
    assert isinstance(rest, Rest)
    assert rest.count == 292
    whole = Add(tuple(one_of(leaf(0, places) * leaf(1, places), (at,)) for at in range(300)))
    assert evaluate(short) == pytest.approx(evaluate(whole), rel=1e-12)
    assert measure(short).magnitude == pytest.approx(measure(whole).magnitude, rel=1e-12)
    narrow, wide = enclosure(whole, FLOAT32), enclosure(short, FLOAT32)
    assert narrow.low == pytest.approx(wide.low, rel=0.02)
    assert narrow.high == pytest.approx(wide.high, rel=0.02)
    sizes = sorted((abs(evaluate(term)) for term in whole.terms), reverse=True)
    assert sorted((abs(evaluate(t)) for t in short.terms[:-1]), reverse=True) == sizes[:8]


COUNT = 5
FUNCTIONS = ("exp", "log", "sqrt", "tanh", "sigmoid", "softplus", "sin", "relu", "abs", "gate")


@st.composite
def formulas(draw: st.DrawFn) -> Expression:
    def leaf() -> Expression:
        if draw(st.integers(0, 4)) == 0:
            return Number(draw(st.sampled_from([0.0, 0.5, 1.0, -2.0, 3.0])))
        name = draw(st.sampled_from("abc"))
        seed = draw(st.integers(0, 50))
        numbers = np.random.default_rng(seed).normal(size=COUNT) * 10.0 ** draw(st.integers(-2, 2))
        numbers[draw(st.integers(0, COUNT - 1))] = 0.0
        return Each(
            name,
            value=numbers,
            places=(np.arange(COUNT),),
            one=lambda index: Ref(name, index, value=float(numbers[index[0]])),
        )

    def tree(depth: int) -> Expression:
        if depth == 0:
            return leaf()
        kind = draw(st.integers(0, 5))
        if kind == 0:
            return Add(tuple(tree(depth - 1) for _ in range(draw(st.integers(2, 3)))))
        if kind == 1:
            return Mul(tuple(tree(depth - 1) for _ in range(draw(st.integers(2, 3)))))
        if kind == 2:
            return Neg(tree(depth - 1))
        if kind == 3:
            return Div(tree(depth - 1), tree(depth - 1))
        if kind == 4:
            return Pow(tree(depth - 1), Number(draw(st.sampled_from([2.0, 3.0, -1.0, 0.5]))))
        return Apply(draw(st.sampled_from(FUNCTIONS)), (tree(depth - 1),))

    return tree(draw(st.integers(1, 3)))


@given(formulas())
def test_over_arrays_is_what_it_is_one_by_one(formula: Expression) -> None:
    values, sizes = (np.broadcast_to(each, (COUNT,)) for each in sized(formula))
    lows, highs = (np.broadcast_to(end, (COUNT,)) for end in Bounds(FLOAT32).of(formula))
    for at in range(COUNT):
        one = one_of(formula, (at,))
        value, magnitude = measure(one)
        assert values[at] == pytest.approx(value, rel=1e-9, abs=1e-300, nan_ok=True)
        assert sizes[at] == pytest.approx(magnitude, rel=1e-9, abs=1e-300, nan_ok=True)
        low, high = enclosure(one, FLOAT32)
        assert lows[at] == pytest.approx(low, rel=1e-9, abs=1e-300)
        assert highs[at] == pytest.approx(high, rel=1e-9, abs=1e-300)
