"""Arithmetic on arrays of intervals: all that a result may be while its operands are rounded.

Every bound is rounded outward, so that what an interval leaves out is certainly wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ....quick_classes import NamedTuple
from ....symbolic import functions as symbols
from ....trace import Array

Bounds = Callable[[Array], Array]


class Range(NamedTuple):
    """The least and the greatest that each number of an array may be."""

    low: Array
    high: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.low.shape)

    @property
    def middle(self) -> Array:
        """What lies halfway, which of an exact number is the number."""
        return self.low + (self.high - self.low) / 2

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())

    def flat(self) -> list[Range]:
        """Return its numbers one by one."""
        return [Range(*ends) for ends in zip(self.low.ravel(), self.high.ravel(), strict=True)]

    def element(self, place: int | None) -> Range:
        """Return the number of a list at a place; all of it without one, or of what has none."""
        if place is None or self.low.ndim != 1 or place >= self.low.size:
            return self
        return Range(self.low[place], self.high[place])


def exactly(number: float) -> Range:
    """Return the interval of a number that is known."""
    array = np.asarray(number, float)
    return Range(array, array)


def outward(low: Array, high: Array) -> Range:
    """Return bounds moved outward by what rounding may have taken."""
    return Range(np.nextafter(low, -np.inf), np.nextafter(high, np.inf))


def hull(ranges: Sequence[Range]) -> Range:
    """Return the least interval that holds all of some."""
    return Range(np.min([r.low for r in ranges], 0), np.max([r.high for r in ranges], 0))


def all_meet(one: Range, other: Range) -> bool:
    """Whether each number of an array may be that of another."""
    return bool(np.all((one.low <= other.high) & (other.low <= one.high)))


def add(left: Range, right: Range) -> Range:
    return outward(left.low + right.low, left.high + right.high)


def negative(value: Range) -> Range:
    return Range(-value.high, -value.low)


def _of_corners(function: Callable[[Array, Array], Array], left: Range, right: Range) -> Range:
    corners = [function(a, b) for a in left for b in right]
    return outward(np.minimum.reduce(corners), np.maximum.reduce(corners))


def multiply(left: Range, right: Range) -> Range:
    return _of_corners(np.multiply, left, right)


def dot(left: Range, right: Range) -> Range:
    """Return a matrix product."""
    if left is right or (not left.shape or not right.shape):
        return multiply(left, right)
    middle = np.matmul(left.middle, right.middle)
    radius = np.matmul(np.abs(left.middle), _radius(right))
    radius = radius + np.matmul(_radius(left), np.abs(right.middle) + _radius(right))
    size = np.matmul(np.abs(left.middle), np.abs(right.middle))
    radius = radius + size * np.finfo(float).eps * (left.shape[-1] + 2)
    return outward(middle - radius, middle + radius)


def _radius(value: Range) -> Array:
    return np.asarray((value.high - value.low) / 2)


def divide(left: Range, right: Range) -> Range:
    crosses = (right.low <= 0) & (right.high >= 0)
    quotient = _of_corners(np.divide, left, right)
    return Range(np.where(crosses, -np.inf, quotient.low), np.where(crosses, np.inf, quotient.high))


def power(base: Range, exponent: Range) -> Range:
    """Return a power; 0.1 is no number of binary floating point, so its tenth power is off."""
    low, high = _power(base, exponent)
    size = np.maximum(np.abs(exponent.low), np.abs(exponent.high))
    share = np.finfo(float).eps * (size + 1)
    return Range(low - np.abs(low) * share, high + np.abs(high) * share)


def _power(base: Range, exponent: Range) -> Range:
    if np.all(exponent.low == exponent.high) and np.all(exponent.low == np.round(exponent.low)):
        corners = [np.power(base.low, exponent.low), np.power(base.high, exponent.low)]
        crosses = (base.low < 0) & (base.high > 0) & (exponent.low > 0)
        low, high = np.minimum(*corners), np.maximum(*corners)
        return outward(np.where(crosses, np.minimum(low, 0.0), low), high)
    return _of_corners(np.power, base, exponent)


def rising(function: Bounds) -> Callable[[Range], Range]:
    """Return a function that rises everywhere, of intervals."""

    def of(value: Range) -> Range:
        bounds = outward(function(value.low), function(value.high))
        return outward(*outward(*bounds))  # a library's function may be off by more than half

    return of


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def _of_symbols(name: str) -> Bounds:
    """Return a function of ours over an array."""
    of_one = symbols.FUNCTIONS[name].value
    return lambda x: np.vectorize(of_one, otypes=[float])(x)


def _even(function: Bounds, value: Range) -> Range:
    """Return a function that falls on both sides of 0."""
    size = absolute(value)
    return outward(*outward(function(size.high), function(size.low)))


def absolute(value: Range) -> Range:
    ends = np.abs(value.low), np.abs(value.high)
    crosses = (value.low < 0) & (value.high > 0)
    return Range(np.where(crosses, 0.0, np.minimum(*ends)), np.maximum(*ends))


def softmax(value: Range) -> Range:
    """Return the shares of the exponentials: each is least where it is low and the rest high.

    Those of a matrix are row by row; a row or a column of one is a list.
    """
    low, high = np.exp(value.low - value.high.max()), np.exp(value.high - value.high.max())
    several = len(value.shape) > 2 or min(value.shape, default=0) > 1
    axis = -1 if several else None
    all_low, all_high = (np.sum(end, axis=axis, keepdims=True) for end in (low, high))
    least, most = low / (low + all_high - high), high / (high + all_low - low)
    return outward(*outward(*outward(least, most)))


def wave(function: Bounds) -> Callable[[Range], Range]:
    """Return the sine or cosine of intervals, by its slope, which is at most 1."""

    def of(value: Range) -> Range:
        middle, radius = function(value.middle), _radius(value)
        return outward(*outward(middle - radius, middle + radius))

    return of


def square(value: Range) -> Range:
    return power(value, exactly(2.0))


def norm(value: Range) -> Range:
    return FUNCTIONS["sqrt"](total(square(value)))


def total(value: Range, axis: int | None = None) -> Range:
    """Return the sum of all numbers, or the sums along an axis, which stays with length 1."""
    size, keep = max(value.low.size, 1), axis is not None
    slack = size * np.finfo(float).eps * np.sum(np.abs(value.middle), axis=axis, keepdims=keep)
    low = np.sum(value.low, axis=axis, keepdims=keep)
    return outward(low - slack, np.sum(value.high, axis=axis, keepdims=keep) + slack)


FUNCTIONS: dict[str, Callable[[Range], Range]] = {
    "exp": rising(np.exp),
    "log": rising(np.log),
    "log2": rising(np.log2),
    "log10": rising(np.log10),
    "log1p": rising(np.log1p),
    "expm1": rising(np.expm1),
    "sqrt": rising(np.sqrt),
    "tanh": rising(np.tanh),
    "sinh": rising(np.sinh),
    "cosh": lambda value: rising(np.cosh)(absolute(value)),
    "floor": rising(np.floor),
    "ceil": rising(np.ceil),
    "sigmoid": rising(_sigmoid),
    "softplus": rising(lambda x: np.asarray(np.logaddexp(0.0, x))),
    "relu": rising(lambda x: np.maximum(x, 0.0)),
    "sin": wave(np.sin),
    "cos": wave(np.cos),
    "Φ": rising(_of_symbols("Φ")),
    "φ": lambda value: _even(_of_symbols("φ"), value),
    "gate": rising(lambda x: np.where(x > 0, 1.0, 0.0)),
    "abs": absolute,
    "square": square,
    "softmax": softmax,
    "sum": total,
    "mean": lambda value: divide(total(value), exactly(float(max(value.low.size, 1)))),
    "norm": norm,
    "norm1": lambda value: total(absolute(value)),
}
