"""Which numbers a tree may come to in arithmetic that rounds: a running error analysis.

PyTorch computes what a line says, in its own precision and in its own order, and the line is
evaluated again in float64. The two differ by rounding. That may matter much, as where terms cancel
or a gate is barely open, or not at all, as where a sigmoid is 1 exactly. So every node gets an
enclosure, the smallest and the largest number that may stand there, from those of its parts and
from what computing it may add (Higham, "Accuracy and Stability of Numerical Algorithms", chapter
3). The operands are exact, as they were recorded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np

from ..quick_classes import NamedTuple
from .expression import (
    PLACES,
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Rest,
)
from .functions import FUNCTIONS
from .measure import power

# Roundings of a function: PyTorch's vector functions are good to 1 unit in the last place, which
# is 2 roundings, and the C library's to 4 units (its manual, "Known Maximum Errors").
OF_FUNCTION = 8
EXACT = ("relu", "gate", "is_zero", "abs", "sign", "round", "floor", "trunc", "ceil")
# Those that turn, so that what lies between two numbers may come to more than both.
TURNING = ("sin", "cos", "tan", "lgamma", "digamma", "trigamma", "φ")
# What a function never goes beyond, rounded or not. Φ does: where PyTorch computes many at a time,
# its error function may come to a little more than 1.
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("sigmoid", "gate", "is_zero", "φ"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "sin", "cos", "sign"), (-1.0, 1.0)),
    **dict.fromkeys(("exp", "relu", "softplus", "abs", "sqrt", "erfcx"), (0.0, math.inf)),
    **dict.fromkeys(("cosh",), (1.0, math.inf)),
}


class Precision(NamedTuple):
    """The arithmetic that a number was computed in.

    Attributes
    ----------
    unit
        What one operation may be off by, relative to its result.
    smallest
        The smallest number with all of its digits: one below it may be any down to 0.
    largest
        The largest number: one above it is infinite.
    kind
        NumPy's type of such numbers.
    name
        What NumPy and PyTorch call it: `float32`.
    """

    unit: float
    smallest: float
    largest: float
    kind: Callable[[float], Any]
    name: str

    @classmethod
    def of(cls, info: np.finfo[Any]) -> Precision:
        """Return the precision of PyTorch's numbers, compared with a line in float64."""
        unit = (float(info.eps) + float(np.finfo(np.float64).eps)) / 2
        return cls(
            unit, float(info.smallest_normal), float(info.max), info.dtype.type, str(info.dtype)
        )

    def holds(self, number: float) -> bool:
        """Whether the precision has a number exactly."""
        if self.kind is np.float64:
            return True
        with np.errstate(over="ignore"):
            return float(self.kind(number)) == number


class Enclosure(NamedTuple):
    """The smallest and the largest number that may stand somewhere."""

    low: float
    high: float

    def has(self, number: float) -> bool:
        return self.low <= number <= self.high

    @property
    def size(self) -> float:
        return max(abs(self.low), abs(self.high))

    def widened(self, by: float) -> Enclosure:
        return Enclosure(self.low - by, self.high + by)


EVERYTHING = Enclosure(-math.inf, math.inf)


def enclosure(expression: Expression, precision: Precision, own: str = "") -> Enclosure:
    """Return which numbers the tree of one number may come to.

    Parameters
    ----------
    own
        The name of the value that the number is an element of. Other elements of it, which a
        line may mention, as that of a Cholesky factor does, were rounded when they were stored,
        and the number may have been computed from them as they were before.

    Raises
    ------
    TypeError
        If the tree holds a node over whole tensors.
    """
    return _Bounds(precision, own).of(expression)


def enclosures(precision: Precision, own: str = "") -> Callable[[Expression], Enclosure]:
    """Return `enclosure` of trees that have numbers in common: each is enclosed once."""
    return _Bounds(precision, own).of


def may_be_nan(expression: Expression, precision: Precision, own: str = "") -> bool:
    """Whether a tree may come to NaN on its way: rounding makes a 0 or an inf that meets another.

    A sigmoid far below 0 is 0 in float32 and a small number in float64, and only 0·inf is NaN.

    Parameters
    ----------
    own
        See `enclosure`.
    """
    bounds = _Bounds(precision, own)
    bounds.of(expression)
    return bounds.undefined


class _Bounds:
    def __init__(self, precision: Precision, own: str) -> None:
        self.precision, self.own = precision, own
        self.made: dict[Ref, Enclosure] = {}
        self.undefined = False  # whether an operation may have no value: inf - inf, 0·inf, 0/0

    def of(self, expression: Expression) -> Enclosure:
        bounds = self.computed(expression)
        if math.isnan(bounds.low) or math.isnan(bounds.high):
            self.undefined = True
            return EVERYTHING
        most = self.precision.largest
        if bounds.size <= most:
            return bounds
        return Enclosure(
            min(bounds.low, most) if bounds.low >= -most else -math.inf,
            max(bounds.high, -most) if bounds.high <= most else math.inf,
        )

    def computed(self, expression: Expression) -> Enclosure:
        match expression:
            case Rest(terms=terms) if terms is not None:
                return Enclosure(*terms.enclosure(self.precision, self.own))
            case Ref(made=made) if made is not None:
                # A number of the line alone, as a mean, was computed like all others.
                if expression not in self.made:
                    self.made[expression] = self.of(made())
                own, value = self.made[expression], float(expression.value)
                return Enclosure(min(own.low, value), max(own.high, value))
            case Ref(name=name, value=value) if self.own and name == self.own:
                return Enclosure(value, value).widened(self.lost(abs(value), 1))
            case Number(value) | Ref(value=value):
                return self.as_held(float(value))
            case Neg(body):
                part = self.of(body)
                return Enclosure(-part.high, -part.low)
            case Add(terms):
                return self.total([self.of(term) for term in terms])
            case Mul(factors):
                return self.times([self.of(factor) for factor in factors], _folded(factors))
            case Div(above, below):
                return self.quotient(self.of(above), self.of(below), _folded((above, below)))
            case Pow(base, exponent):
                return self.to_the_power(self.of(base), self.of(exponent))
            case Apply("max", arguments):
                parts = [self.of(argument) for argument in arguments]
                return Enclosure(max(p.low for p in parts), max(p.high for p in parts))
            case Apply(function, arguments) if function in PLACES:
                return self.place(function, [self.of(argument) for argument in arguments])
            case Apply(function, (argument,)):
                return self.applied(function, self.of(argument))
            case _:
                name = type(expression).__name__
                raise TypeError(f"{name} stands for a whole tensor, not a number")

    def as_held(self, value: float) -> Enclosure:
        """Enclose an operand: one with more digits than the precision has is rounded first."""
        off = 0.0 if self.precision.holds(value) else self.lost(abs(value), 1)
        return Enclosure(value - off, value + off)

    def lost(self, size: float, roundings: int) -> float:
        """Return what so many roundings of a number of some size may take from it."""
        if not roundings or not size:
            return 0.0
        return roundings * self.precision.unit * size + self.precision.smallest

    def total(self, parts: list[Enclosure]) -> Enclosure:
        # In any order: n terms are rounded n - 1 times.
        low, high = sum(part.low for part in parts), sum(part.high for part in parts)
        sizes = sum(part.size for part in parts)
        self.undefined |= {math.inf, -math.inf} <= {end for part in parts for end in part}
        off = (len(parts) - 1) * self.precision.unit * sizes
        return Enclosure(low, high) if math.isinf(sizes) else Enclosure(low, high).widened(off)

    def times(self, parts: list[Enclosure], further: int) -> Enclosure:
        bounds = parts[0]
        for part in parts[1:]:
            self.undefined |= any(
                math.isinf(one.size) and other.has(0.0)
                for one, other in ((bounds, part), (part, bounds))
            )
            bounds = _hull(_times(a, b) for a, b in product(bounds, part))
        return bounds.widened(self.lost(bounds.size, len(parts) - 1 + further))

    def quotient(self, above: Enclosure, below: Enclosure, further: int) -> Enclosure:
        self.undefined |= above.has(0.0) and below.has(0.0)
        self.undefined |= math.isinf(above.size) and math.isinf(below.size)
        if below.has(0.0):
            return EVERYTHING
        bounds = _hull(a / b for a, b in product(above, below))
        # Two roundings: it may be computed as a product with the reciprocal, as LAPACK does.
        return bounds.widened(self.lost(bounds.size, 2 + further))

    def to_the_power(self, base: Enclosure, exponent: Enclosure) -> Enclosure:
        if base.has(0.0) and exponent.low < 0:
            return EVERYTHING
        bases = (*base, 0.0) if base.has(0.0) else base
        powers = [power(b, e) for b, e in product(bases, exponent)]
        self.undefined |= any(map(math.isnan, powers))
        bounds = _hull(powers)
        return bounds.widened(self.lost(bounds.size, OF_FUNCTION))

    def place(self, function: str, parts: list[Enclosure]) -> Enclosure:
        """Enclose the index of the largest or smallest: any that may be."""
        if function == "argmin":
            parts = [Enclosure(-part.high, -part.low) for part in parts]
        least = max(part.low for part in parts)
        candidates = [at for at, part in enumerate(parts) if part.high >= least]
        return Enclosure(float(candidates[0]), float(candidates[-1]))

    def applied(self, function: str, at: Enclosure) -> Enclosure:
        rule = FUNCTIONS[function]
        numbers = [*at, 0.0] if at.low < 0 < at.high else [*at]
        bounds = _hull(map(rule.value, numbers))
        if math.isnan(rule.value(at.low)):  # on the way out of where it is defined
            bounds, self.undefined = bounds._replace(low=-math.inf), True
        if math.isnan(rule.value(at.high)):
            bounds, self.undefined = bounds._replace(high=math.inf), True
        width = at.high - at.low
        if function in TURNING and width:
            bounds = bounds.widened(width * max(abs(rule.slope(number)) for number in at))
        if rule.inner:
            steepest = max(abs(rule.slope(number)) for number in at)
            bounds = bounds.widened(rule.inner * self.precision.unit * at.size * steepest)
        if function not in EXACT:
            bounds = bounds.widened(self.lost(bounds.size + rule.within, OF_FUNCTION))
        least, most = RANGES.get(function, EVERYTHING)
        return Enclosure(max(bounds.low, least), min(bounds.high, most))


def _folded(parts: tuple[Expression, ...]) -> int:
    """Return how many roundings are not seen: a constant may be folded from several operations."""
    return OF_FUNCTION if any(isinstance(part, Number) for part in parts) else 0


def _times(one: float, other: float) -> float:
    # An end that is infinite stands for numbers without bound, and 0 times those is 0.
    return one * other if one and other else 0.0


def _hull(numbers: Iterable[float]) -> Enclosure:
    known = [number for number in numbers if not math.isnan(number)]
    return Enclosure(min(known), max(known)) if known else EVERYTHING
