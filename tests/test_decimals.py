"""Ties are rounded as decimals are: half to even, as the number is typed, everywhere the same."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae_explain.symbolic.decimals import apart_from_rounding, fixed_text, rounded


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
