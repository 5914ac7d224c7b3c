"""Sums of many terms: what is written out, and that the rest is what it says."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from vae_explain import pipeline
from vae_explain.engine.formulas import Steps
from vae_explain.engine.run import Arithmetic, Run, full_run
from vae_explain.engine.worked_lines import LineMaker
from vae_explain.models.builtin_config import Architecture
from vae_explain.models.request import Request
from vae_explain.ops.array_functions import ON_ARRAYS
from vae_explain.ops.at_once import SHOWN
from vae_explain.ops.reduction.long_sums import MOST_WRITTEN, total
from vae_explain.symbolic.expression import (
    Add,
    Apply,
    Expression,
    Index,
    Number,
    Ref,
    Rest,
)
from vae_explain.symbolic.functions import FUNCTIONS
from vae_explain.symbolic.measure import evaluate
from vae_explain.trace import Array

GENERATOR = np.random.default_rng(3)


@dataclass(frozen=True)
class Squared:
    """The square of a tensor: terms without a name of their own."""

    array: Array
    sign: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    def at(self, index: Index) -> Expression:
        return Number(self.sign) * Ref("h", index, value=float(self.array[index])) ** Number(2.0)

    def whole(self) -> Expression:
        return Number(self.sign) * Ref("h", value=self.array) ** Number(2.0)


@dataclass(frozen=True)
class Plain(Squared):
    """A tensor itself, whose elements have both signs."""

    def at(self, index: Index) -> Expression:
        return Ref("h", index, value=float(self.array[index]))

    def whole(self) -> Expression:
        return Ref("h", value=self.array)


def terms_of(expression: Expression) -> tuple[Expression, ...]:
    assert isinstance(expression, Add)
    return expression.terms


def test_a_short_sum_has_all_of_its_terms() -> None:
    terms = terms_of(total(Squared(GENERATOR.normal(size=(2, MOST_WRITTEN // 2)))))
    assert len(terms) == MOST_WRITTEN
    assert not any(isinstance(term, Rest) for term in terms)


def test_a_long_sum_has_its_largest_terms_and_the_rest() -> None:
    array = GENERATOR.normal(size=(30, 40))
    *written, rest = terms_of(total(Squared(array)))
    squares = np.sort((array**2).ravel())
    assert sorted(map(evaluate, written)) == pytest.approx(squares[-SHOWN:].tolist())
    assert isinstance(rest, Rest)
    assert rest.count == array.size - SHOWN
    assert rest.value == pytest.approx(squares[:-SHOWN].sum(), rel=1e-13)
    assert rest.name == "(1,192 smaller terms)"


def test_a_rest_of_two_signs_comes_in_two_parts() -> None:
    array = GENERATOR.normal(size=(30, 40))
    array[0, 0] = 0.0
    expression = total(Plain(array))
    *written, rising, falling = terms_of(expression)
    assert isinstance(rising, Rest)
    assert isinstance(falling, Rest)
    assert len(written) == SHOWN
    assert rising.value > 0 > falling.value
    assert rising.count + falling.count == array.size - SHOWN
    assert evaluate(expression) == pytest.approx(array.sum(), abs=1e-11)


def test_numbers_of_single_precision_are_added_up_in_double() -> None:
    array = np.full((300, 300), 0.1, dtype=np.float32)
    assert evaluate(total(Plain(array))) == pytest.approx(
        array.size * float(array[0, 0]), rel=1e-13
    )


def test_what_is_no_number_is_not_hidden_in_the_rest() -> None:
    array = np.ones((20, 20))
    array[7, 3] = math.nan
    *written, rest = terms_of(total(Plain(array)))
    assert any(isinstance(term, Ref) and term.index == (7, 3) for term in written)
    assert isinstance(rest, Rest)
    assert math.isfinite(rest.value)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_an_array_is_that_of_its_numbers(name: str) -> None:
    edges = [0.0, -0.0, math.inf, -math.inf, math.nan, 800.0, -800.0, 0.5, -0.5, 1.5]
    numbers = np.array([*edges, *GENERATOR.normal(size=40) * 5])
    with np.errstate(all="ignore"):
        found = ON_ARRAYS[name](numbers)
    expected = [evaluate(Apply(name, (Number(float(number)),))) for number in numbers]
    np.testing.assert_allclose(found, expected, rtol=2e-15, atol=1e-300)


# --- in a run ---------------------------------------------------------------------------

DIMS = Architecture(dims=(40, 12, 5, 12, 40))


def big_run(arithmetic: Arithmetic, architecture: Architecture = DIMS) -> Run:
    x = tuple(tuple(row) for row in GENERATOR.random((60, architecture.input_size)).tolist())
    return pipeline.run(Request(x=x, arithmetic=arithmetic, source=architecture))


@pytest.mark.parametrize("recon", ["mse", "bce"])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("arithmetic", ["printed", "full"])
def test_long_losses_agree_with_pytorch(recon: str, reduction: str, arithmetic: Arithmetic) -> None:
    shape = Architecture(dims=DIMS.dims, recon=recon, reduction=reduction)  # type: ignore[arg-type]  # one of each
    run = big_run(arithmetic, shape)
    maker = LineMaker(run, Steps(run))
    for name, count in ((recon, 2400), ("kl", 300)):
        found = maker.summands(run.value(name).id)
        assert found is not None
        lines, whole, terms = found
        assert terms == count
        assert whole.agrees
        assert sum(line.value for line in lines) == pytest.approx(whole.value, rel=1e-12)
        assert [line.label.startswith("[") for line in lines[:SHOWN]] == [True] * SHOWN
        for line in lines[:SHOWN]:
            index = line.label.strip("[]").split(",")
            assert len(index) == 2, "the index of the element, not its place in the sum"


def test_a_long_loss_that_is_not_what_it_says_is_found() -> None:
    run = big_run("full")
    number = run.value("mse").id
    values = list(run.trace.values)
    values[number] = values[number]._replace(array=np.asarray(values[number].array * 1.001))
    broken = full_run(replace(run.trace, values=tuple(values)), run.seed, run.label)
    found = LineMaker(broken, Steps(broken)).summands(number)
    assert found is not None
    assert not found[1].agrees
