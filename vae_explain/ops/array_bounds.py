"""What `measure` and `enclosure` say of one number, of all numbers of a long sum at once.

The rules are those of `symbolic/expression.py` and `symbolic/error_bound.py`, over arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ..symbolic.derivative import WHERE
from ..symbolic.error_bound import EXACT, OF_FUNCTION, RANGES, TURNING, Precision, enclosures
from ..symbolic.expression import (
    Add,
    Apply,
    Div,
    Each,
    Expression,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
)
from ..symbolic.functions import FUNCTIONS
from ..symbolic.measure import measure
from ..trace import Array
from .array_functions import ON_ARRAYS

Numbers = Any  # an array, or one number for all
Pair = tuple[Numbers, Numbers]


def sized(formula: Expression) -> Pair:
    """Return the numbers, and the sizes that rounding is relative to; see `measure`."""
    with np.errstate(all="ignore"):
        return _sized(formula)


def _sized(node: Expression) -> Pair:
    match node:
        case Each(value=value):
            return value, np.abs(value)
        case Number() | Ref():
            return measure(node)
        case Add(terms):
            values, sizes = zip(*map(_sized, terms), strict=True)
            return sum(values), sum(sizes)
        case Mul(factors):
            values, sizes = zip(*map(_sized, factors), strict=True)
            return _product(values), _product(sizes)
        case Neg(body):
            value, size = _sized(body)
            return -value, size
        case Div(above, below):
            (value, size), (divisor, spread) = _sized(above), _sized(below)
            divisor = np.asarray(divisor, dtype=np.float64)
            apart = np.abs(divisor)
            return value / divisor, np.where(divisor == 0, np.inf, size / apart * (spread / apart))
        case Pow(base, exponent):
            (number, size), (raised, spread) = _sized(base), _sized(exponent)
            number = np.asarray(number, dtype=np.float64)
            result = _powers(number, np.asarray(raised))
            slope = np.abs(raised * number ** (raised - 1.0))
            by_base = slope * size
            magnitude = np.where(by_base > np.abs(result), by_base, np.abs(result))
            if not isinstance(exponent, Number):
                by_exponent = np.abs(result * np.log(number)) * spread
                magnitude = magnitude + np.where(number > 0, by_exponent, 0.0)
            return result, magnitude
        case Apply(function, (argument,)) if function in FUNCTIONS:
            value, size = _sized(argument)
            result = _applied(function, value)
            spread = np.abs(_slopes(function, value)) * size
            return result, np.abs(result) + FUNCTIONS[function].within + spread
        case Opaque(name=name, arguments=(Ref(value=chosen), *pieces)) if name == WHERE:
            (value, size), (other, second) = map(_sized, pieces)
            return np.where(chosen, value, other), np.where(chosen, size, second)
        case _:
            raise TypeError(f"no long sum of {type(node).__name__}")


def _powers(base: Array, exponent: Array) -> Array:
    """Return powers, as `power` does of one number: a root of -0.0 is 0.0, and not as here -0.0."""
    return np.where((base == 0) & (exponent > 0) & (exponent % 2 != 1), 0.0, base**exponent)


def _product(factors: Sequence[Numbers]) -> Numbers:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


def _applied(function: str, value: Numbers) -> Array:
    return np.asarray(ON_ARRAYS[function](np.asarray(value, dtype=np.float64)))


def _slopes(function: str, value: Numbers) -> Array:
    slope = np.vectorize(FUNCTIONS[function].slope, otypes=[float])
    array = np.asarray(value, dtype=np.float64)
    return np.asarray(slope(array)) if array.size else array


class Bounds:
    """The smallest and the largest numbers that may stand at each place of a formula."""

    def __init__(self, precision: Precision, own: str = "") -> None:
        self.precision, self.own = precision, own
        self.of_one = enclosures(precision, own)

    def of(self, formula: Expression) -> Pair:
        with np.errstate(all="ignore"):
            return self._of(formula)

    def _of(self, node: Expression) -> Pair:
        low, high = self._computed(node)
        undefined = np.isnan(low) | np.isnan(high)
        low, high = np.where(undefined, -np.inf, low), np.where(undefined, np.inf, high)
        most = self.precision.largest
        beyond = np.maximum(np.abs(low), np.abs(high)) > most
        return (
            np.where(beyond, np.where(low >= -most, np.minimum(low, most), -np.inf), low),
            np.where(beyond, np.where(high <= most, np.maximum(high, -most), np.inf), high),
        )

    def _computed(self, node: Expression) -> Pair:
        match node:
            case Each(name=name, value=value):
                stored = bool(self.own) and name == self.own
                return self._held(np.asarray(value, dtype=np.float64), stored)
            case Number() | Ref():
                return self.of_one(node)
            case Neg(body):
                low, high = self._of(body)
                return -high, -low
            case Add(terms):
                return self._total([self._of(term) for term in terms])
            case Mul(factors):
                bounds = self._of(factors[0])
                for factor in factors[1:]:
                    bounds = _hull(_times(a, b) for a, b in product(bounds, self._of(factor)))
                return self._widened(bounds, len(factors) - 1 + _folded(factors))
            case Div(above, below):
                over, under = self._of(above), self._of(below)
                bounds = _hull(a / np.asarray(b) for a, b in product(over, under))
                low, high = self._widened(bounds, 2 + _folded((above, below)))
                crosses = _has_zero(under)
                return np.where(crosses, -np.inf, low), np.where(crosses, np.inf, high)
            case Pow(base, exponent):
                return self._to_the_power(self._of(base), self._of(exponent))
            case Apply(function, (argument,)) if function in FUNCTIONS:
                return self._applied(function, self._of(argument))
            case Opaque(name=name, arguments=(Ref(value=chosen), *pieces)) if name == WHERE:
                (low, high), (least, most) = map(self._of, pieces)
                return np.where(chosen, low, least), np.where(chosen, high, most)
            case _:
                raise TypeError(f"no long sum of {type(node).__name__}")

    def _held(self, value: Array, stored: bool) -> Pair:
        """Enclose operands: one with more digits than the precision has is rounded first."""
        exact = np.full(value.shape, False)
        if not stored:
            name = self.precision.name
            exact = np.asarray(value.astype(name).astype(np.float64) == value)
        off = np.where(exact, 0.0, self._lost(np.abs(value), 1))
        return value - off, value + off

    def _lost(self, size: Numbers, roundings: int) -> Numbers:
        lost = roundings * self.precision.unit * size + self.precision.smallest
        return np.where(np.equal(size, 0), 0.0, lost) if roundings else 0.0

    def _widened(self, bounds: Pair, roundings: int) -> Pair:
        off = self._lost(_size(bounds), roundings)
        return bounds[0] - off, bounds[1] + off

    def _total(self, parts: Sequence[Pair]) -> Pair:
        low, high = sum(p[0] for p in parts), sum(p[1] for p in parts)
        sizes = sum(map(_size, parts))
        off = np.where(np.isinf(sizes), 0.0, (len(parts) - 1) * self.precision.unit * sizes)
        return low - off, high + off

    def _to_the_power(self, base: Pair, exponent: Pair) -> Pair:
        zero = _has_zero(base)
        ends = [np.asarray(end, dtype=np.float64) for end in base]
        bases = [*ends, np.where(zero, 0.0, ends[0])]
        bounds = _hull(_powers(b, np.asarray(e)) for b, e in product(bases, exponent))
        low, high = self._widened(bounds, OF_FUNCTION)
        pole = zero & (np.asarray(exponent[0]) < 0)
        return np.where(pole, -np.inf, low), np.where(pole, np.inf, high)

    def _applied(self, function: str, at: Pair) -> Pair:
        rule, ends = FUNCTIONS[function], [np.asarray(end, dtype=np.float64) for end in at]
        inside = np.where((ends[0] < 0) & (ends[1] > 0), 0.0, ends[0])
        values = [_applied(function, each) for each in (*ends, inside)]
        low, high = _hull(values)
        low = np.where(np.isnan(values[0]), -np.inf, low)
        high = np.where(np.isnan(values[1]), np.inf, high)
        if function in TURNING and np.any(ends[1] > ends[0]):
            slope = np.maximum(*(np.abs(_slopes(function, end)) for end in ends))
            off = np.where(ends[1] > ends[0], (ends[1] - ends[0]) * slope, 0.0)
            low, high = low - off, high + off
        if rule.inner:
            slope = np.maximum(*(np.abs(_slopes(function, end)) for end in ends))
            off = rule.inner * self.precision.unit * _size(at) * slope
            low, high = low - off, high + off
        if function not in EXACT:
            off = self._lost(_size((low, high)) + rule.within, OF_FUNCTION)
            low, high = low - off, high + off
        least, most = RANGES.get(function, (-math.inf, math.inf))
        return np.maximum(low, least), np.minimum(high, most)


def _folded(parts: Iterable[Expression]) -> int:
    return OF_FUNCTION if any(isinstance(part, Number) for part in parts) else 0


def _size(pair: Pair) -> Numbers:
    return np.maximum(np.abs(pair[0]), np.abs(pair[1]))


def _has_zero(pair: Pair) -> Numbers:
    return (np.asarray(pair[0]) <= 0.0) & (np.asarray(pair[1]) >= 0.0)


def _times(one: Numbers, other: Numbers) -> Numbers:
    # An end that is infinite stands for numbers without bound, and 0 times those is 0.
    return np.where(np.equal(one, 0) | np.equal(other, 0), 0.0, np.multiply(one, other))


def _hull(numbers: Iterable[Numbers]) -> Pair:
    known = list(numbers)
    least = most = known[0]
    for each in known[1:]:
        least, most = np.fmin(least, each), np.fmax(most, each)
    undefined = np.isnan(least)
    return np.where(undefined, -np.inf, least), np.where(undefined, np.inf, most)
