"""Rounding as decimals are rounded: the number as it is typed, ties to even, the same everywhere.

A float64 that was typed as 1.00005 lies a little beside it, and a float32 further. Rounded by
where they lie, a tie would go up or down by chance; so both are rounded by the shortest decimals
that tell them from their neighbours. Those are what was typed, if they have no more digits than
such a number keeps.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

# How far from a tie, relative to the number, a float32 may lie that was typed as one.
NEAR = 2.0**-23
KEPT = 15  # significant digits of a float64
FEW, OFF = 11, 1e-14  # decimals, and how far beside so many a number lies by rounding
WHOLE = 2.0**53  # from here on a float64 has no more decimals
TELLING, ENOUGH = 6, 9  # digits that every float32 keeps, and that are enough for any
USUAL = 12  # powers of ten by which a float64 is multiplied without rounding twice
AT_ONCE = 2**16


def shortest(value: float) -> Decimal:
    """Return the shortest decimals of a number, those of a float32 if it is one.

    Examples
    --------
    >>> shortest(0.1), shortest(0.8999999761581421)
    (Decimal('0.1'), Decimal('0.9'))
    """
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return Decimal(str(single) if float(single) == value else repr(float(value)))


def shortest_of(array: Any) -> Any:
    """Return the shortest decimals of each float32 of an array, as float64.

    Examples
    --------
    >>> shortest_of(np.array([0.1, 0.9, -2.5e30], np.float32)).tolist()
    [0.1, 0.9, -2.5e+30]
    """
    flat = array.ravel()
    shortest = np.empty(flat.shape)
    for start in range(0, flat.size, AT_ONCE):  # so that little memory is taken at a time
        part = slice(start, start + AT_ONCE)
        shortest[part] = _shortest_of_few(flat[part])
    return shortest.reshape(array.shape)


def _shortest_of_few(single: Any) -> Any:
    """As `shortest_of`: rounded to ever more digits, until they mean this number alone."""
    exact = single.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.floor(np.log10(np.abs(exact)))
        is_usual = np.abs(power) <= USUAL
    odd = np.flatnonzero(~is_usual & (exact != 0))
    shortest = exact.copy()
    shortest[odd] = single[odd].astype("U").astype(np.float64)
    left = np.flatnonzero(is_usual)
    for digits in range(TELLING, ENOUGH + 1):
        places = digits - 1 - power[left]
        up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
        near = np.rint(exact[left] * up / down) * down / up
        is_enough = near.astype(np.float32) == single[left]
        shortest[left[is_enough]] = near[is_enough]
        left = left[~is_enough]
    return shortest


def apart_from_rounding(value: float) -> Decimal:
    """Return the decimals of a number, without the last ones where a few say all the rest.

    What was computed from numbers of few decimals lies a little beside one, and on which side
    depends on the order in which it was added up.

    Examples
    --------
    >>> apart_from_rounding(0.1 + 0.2), apart_from_rounding(1 / 3)
    (Decimal('0.3'), Decimal('0.3333333333333333'))
    """
    few = f"{value:.{FEW}f}"
    if abs(float(few) - value) <= OFF * max(1.0, abs(value)):
        return Decimal(few).normalize()
    return Decimal(repr(float(value)))


def fixed_text(value: float, decimals: int) -> str:
    """Write a finite number with fixed decimals.

    Examples
    --------
    >>> fixed_text(0.00005, 4), fixed_text(0.00015, 4), f"{0.00015:.4f}"
    ('0.0000', '0.0002', '0.0001')
    """
    if _is_near_tie(value, decimals) and (tie := _tie(value, decimals)) is not None:
        return f"{tie:.{decimals}f}"
    return f"{value:.{decimals}f}"


def rounded(array: Any, decimals: int) -> Any:
    """Round an array to decimals, in float64.

    Examples
    --------
    >>> rounded(np.array([0.00005, 0.00015, 0.38227]), 4).tolist()
    [0.0, 0.0002, 0.3823]
    """
    exact = np.asarray(array, dtype=np.float64)
    with np.errstate(over="ignore"):
        large = abs(exact) * 10.0**decimals >= WHOLE
        # np.round makes a plain number of an array without axes.
        result = np.array(np.where(large, exact, np.round(exact, decimals)))
    for place in map(tuple, np.argwhere(_is_near_tie(exact, decimals))):
        result[place] = float(fixed_text(float(exact[place]), decimals))
    return result


def _tie(value: float, decimals: int) -> Decimal | None:
    """Return the decimals of a number that was typed with a 5 behind the last of them."""
    typed = shortest(value)
    if len(typed.as_tuple().digits) > KEPT:
        typed = apart_from_rounding(value)
    _, digits, exponent = typed.as_tuple()
    kept = np.finfo(np.float32 if float(np.float32(value)) == value else np.float64).precision
    return typed if exponent == -decimals - 1 and len(digits) <= kept else None


def _is_near_tie(value: Any, decimals: int) -> Any:
    """Whether numbers lie as near to a tie as one that was typed may; a quick test."""
    if isinstance(value, float):  # of which a page has thousands
        scaled = abs(float(value)) * 10.0**decimals
        return abs(scaled % 1 - 0.5) <= NEAR * (scaled + 1)
    with np.errstate(invalid="ignore", over="ignore"):  # of infinities there is no remainder
        scaled = abs(value) * 10.0**decimals
        return abs(scaled % 1 - 0.5) <= NEAR * (scaled + 1)
