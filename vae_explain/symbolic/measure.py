"""The number that a tree stands for, and the size of what rounding could have touched."""

from __future__ import annotations

import math

from ..quick_classes import NamedTuple
from .expression import (
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


class Measured(NamedTuple):
    """A value and the size of the largest intermediate that rounding could have touched."""

    value: float
    magnitude: float


def evaluate(expression: Expression) -> float:
    """Return the number that a tree over single elements stands for."""
    return measure(expression).value


def measure(expression: Expression) -> Measured:
    """Evaluate a tree over single elements, with a bound on what rounding is relative to.

    A sum that cancels is as exact as its terms, not as its result, so two ways of
    computing it are compared relative to `magnitude`: the sum of absolute terms, carried
    through products and, by their slope, through functions.

    Raises
    ------
    TypeError
        If the tree holds a node over whole tensors.
    """
    # These come by the thousands in a long sum, and `match` takes its time.
    kind = type(expression)
    if kind is Ref:
        number = float(expression.value)  # type: ignore[attr-defined]  # a Ref, as said above
        return Measured(number, abs(number))
    if kind is Mul:
        return _measure_product(expression.factors)  # type: ignore[attr-defined]  # likewise
    match expression:
        case Rest(value=value, terms=terms) if terms is not None:
            return Measured(float(value), terms.magnitude)
        case Number(value) | Ref(value=value):
            number = float(value)
            return Measured(number, abs(number))
        case Add(terms):
            total = magnitude = 0.0
            for term in terms:
                value, size = measure(term)
                total += value
                magnitude += size
            return Measured(total, magnitude)
        case Neg(body):
            part = measure(body)
            return Measured(-part.value, part.magnitude)
        case Div(numerator, denominator):
            above, below = measure(numerator), measure(denominator)
            if below.value == 0:
                # Zero times infinity and NaN times infinity are NaN, as 0/0 and NaN/0 are.
                return Measured(above.value * math.copysign(math.inf, below.value), math.inf)
            quotient = above.value / below.value
            spread = below.magnitude / abs(below.value)
            return Measured(quotient, above.magnitude / abs(below.value) * spread)
        case Pow(base, exponent):
            below, above = measure(base), measure(exponent)
            result = power(below.value, above.value)
            slope = abs(above.value * power(below.value, above.value - 1))
            magnitude = max(abs(result), slope * below.magnitude)
            if below.value > 0 and not isinstance(exponent, Number):
                magnitude += abs(result * math.log(below.value)) * above.magnitude
            return Measured(result, magnitude)
        case Apply("max", arguments):
            parts = [measure(argument) for argument in arguments]
            undefined = any(math.isnan(part.value) for part in parts)
            largest = math.nan if undefined else max(part.value for part in parts)
            return Measured(largest, max(part.magnitude for part in parts))
        case Apply(("argmax" | "argmin") as function, arguments):
            return _measure_place(function, [measure(argument) for argument in arguments])
        case Apply(function, arguments):
            (argument,) = arguments
            part = measure(argument)
            rule = FUNCTIONS[function]
            value = rule.value(part.value)
            spread = abs(rule.slope(part.value)) * part.magnitude
            return Measured(value, abs(value) + rule.within + spread)
        case _:
            raise TypeError(f"{type(expression).__name__} stands for a whole tensor, not a number")


def _measure_product(factors: tuple[Expression, ...]) -> Measured:
    product = magnitude = 1.0
    for factor in factors:
        if type(factor) is Ref:
            value = float(factor.value)
            size = abs(value)
        else:
            value, size = measure(factor)
        product *= value
        magnitude *= size
    return Measured(product, magnitude)


def _measure_place(function: str, parts: list[Measured]) -> Measured:
    """Return the index of the largest or smallest.

    Where two differ by no more than rounding, either may be it: the magnitude grows as they
    come closer, and with it the difference that is allowed.
    """
    undefined = [i for i, part in enumerate(parts) if math.isnan(part.value)]
    if undefined:
        return Measured(float(undefined[0]), float(len(parts)))
    sign = 1.0 if function == "argmax" else -1.0
    # The sort is stable: ties keep their order.
    ahead = sorted(range(len(parts)), key=lambda i: -sign * parts[i].value)
    first = ahead[0]
    if len(parts) < 2 or math.isinf(parts[first].value):
        return Measured(float(first), float(len(parts)))
    size = max(part.magnitude for part in parts)
    gap = abs(parts[first].value - parts[ahead[1]].value)
    near = size / gap if gap > size * SMALLEST_GAP else 1 / SMALLEST_GAP
    return Measured(float(first), len(parts) * max(near, 1.0))


SMALLEST_GAP = 1e-16  # relative to the numbers compared; a smaller gap counts as none


def power(base: float, exponent: float) -> float:
    """Return a power as an array library does: NaN where it is no real number."""
    try:
        result = base**exponent
    except (ZeroDivisionError, OverflowError):
        # Only an odd power keeps the sign of its base.
        return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
    return result if isinstance(result, float) else math.nan  # a complex root is no real number
