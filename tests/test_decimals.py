"""Ties are rounded as decimals are: half to even, as the number is typed, everywhere the same."""

from __future__ import annotations

import time
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.symbolic.decimals import apart_from_rounding, fixed_text, rounded, shortest_of


@given(st.integers(-(10**5), 10**5), st.integers(0, 8), st.sampled_from((np.float32, np.float64)))
def test_a_tie_goes_to_the_even_digit(
    digits: int, decimals: int, precision: type[np.floating]
) -> None:
    typed = Decimal(digits * 10 + 5).scaleb(-decimals - 1)
    if len(typed.as_tuple().digits) > 6:
        typed = Decimal(digits // 10 * 10 + 5).scaleb(-decimals - 1)
    value = float(precision(float(typed)))
    expected = typed.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    assert fixed_text(value, decimals) == f"{expected:f}"
    assert rounded(np.array([value]), decimals)[0] == float(expected)


@given(st.floats(-1e6, 1e6), st.integers(0, 17))
def test_any_other_number_goes_to_the_nearest(value: float, decimals: int) -> None:
    text = fixed_text(value, decimals)
    assert len(text.partition(".")[2]) == decimals
    half = Decimal(5).scaleb(-decimals - 1)
    meant = Decimal(value), Decimal(repr(value)), apart_from_rounding(value)
    apart = min(abs(Decimal(text) - number) for number in meant)
    assert apart <= half
    assert abs(float(rounded(value, decimals)) - float(text)) <= np.spacing(abs(value))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e300, -0.0])
def test_what_has_no_decimals_stays(value: float) -> None:
    assert np.array_equal(rounded(np.array([value]), 17), [value], equal_nan=True)


@given(
    st.lists(
        st.one_of(
            st.floats(width=32),
            st.floats(-100, 100, width=32),
            st.decimals(-1000, 1000, places=3, allow_nan=False).map(np.float32).map(float),
        ),
        min_size=1,
    )
)
def test_the_shortest_decimals_of_many_are_those_of_each(numbers: list[float]) -> None:
    array = np.array(numbers, np.float32).reshape(1, -1)
    each = [[float(str(number)) for number in array[0]]]
    np.testing.assert_array_equal(shortest_of(array), each)
    assert np.array_equal(np.signbit(shortest_of(array)), np.signbit(each))


def test_millions_of_numbers_have_their_decimals_at_once() -> None:
    array = np.random.default_rng(0).normal(size=(1000, 1000)).astype(np.float32)
    start = time.process_time()
    found = shortest_of(array)
    assert time.process_time() - start < 1.5  # one by one they take several seconds
    assert np.array_equal(found.astype(np.float32), array)
