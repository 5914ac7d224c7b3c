"""Functions of one number, from `abs` to `erf`, trigonometric and hyperbolic ones, and those that
round it.

What `atan2` passes at the origin depends on PyTorch's version. We have 0, as it has from 2.10
on; up to 2.9 it was no number (its issue 165427). With such a PyTorch the gradient there is
marked as not equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import THREE, TWO, exp, log, root, square
from ...symbolic.expression import ONE, ZERO, Apply, Expression, Number, Opaque
from ...trace import Array
from ..array_functions import each
from ..binding import Read, binder
from ..pointwise import choose, elementwise, number, one_number
from ..rule import Rule

ABS = elementwise("abs", words="absolute value")  # at exactly 0 PyTorch passes nothing
SIGN = elementwise("sign", words="sign")

LOG1P = elementwise(
    "log1p", lambda a: log(ONE + a), forward=np.log1p, words="natural logarithm of one more"
)

EXPM1 = elementwise(
    "expm1",
    lambda a: exp(a) - ONE,
    forward=np.expm1,
    vjp=lambda g, y, a: (g * (y + 1),),
    computed=(lambda y, a: y + ONE,),
    words="exponential, less one",
)

RECIPROCAL = elementwise(
    "reciprocal",
    lambda a: ONE / a,
    vjp=lambda g, y, a: (-g * y * y,),
    words="one divided by each number",
)

RSQRT = elementwise(
    "rsqrt",
    lambda a: ONE / root(a),
    vjp=lambda g, y, a: (-0.5 * g * y * y * y,),
    derivatives=(lambda y, a: Number(-0.5) / root(a) ** THREE,),
    words="one divided by the square root",
)

# --- the error function -----------------------------------------------------------------

erf = each(math.erf)  # NumPy has none of its own
SLOPE = 2 / math.sqrt(math.pi)  # of it at 0

ERF = elementwise(
    "erf",
    # By the normal distribution, as GELU is written too.
    lambda a: TWO * Apply("Φ", (Number(math.sqrt(2)) * a,)) - ONE,
    forward=erf,
    derivatives=(lambda y, a: Number(SLOPE) * exp(-square(a)),),
    words="error function",
)

ERFC = elementwise(
    "erfc",
    lambda a: TWO * Apply("Φ", (Number(-math.sqrt(2)) * a,)),
    forward=each(math.erfc),
    derivatives=(lambda y, a: Number(-SLOPE) * exp(-square(a)),),
    words="one less the error function",
)

ERFCX = elementwise(
    "special_erfcx",
    lambda a: Apply("erfcx", (a,)),
    words="one less the error function, times exp(x²), so that it does not vanish",
)

NDTR = elementwise(
    "special_ndtr",
    lambda a: Apply("Φ", (a,)),
    words="how much of the standard normal distribution lies below it",
)

ERFINV = elementwise("erfinv", words="number with this error function")

# --- the gamma function -----------------------------------------------------------------

LGAMMA = elementwise("lgamma", words="logarithm of the gamma function")
DIGAMMA = elementwise("digamma", words="slope of the logarithm of the gamma function")

# --- to whole numbers, through which no gradient passes ----------------------------------

ROUND = elementwise("round", words="nearest whole number, a half to the even one")
FLOOR = elementwise("floor", words="largest whole number not above it")
CEIL = elementwise("ceil", words="smallest whole number not below it")
TRUNC = elementwise("trunc", words="whole number without what is behind the point")
FRAC = elementwise("frac", lambda a: a - Apply("trunc", (a,)), words="what is behind the point")


def remaining(name: str, function: Callable[..., Array], whole: str, words: str) -> Rule:
    """Make the rule of what a division leaves; `whole` is how its quotient is made whole."""
    return elementwise(
        name,
        lambda a, b: a - b * Apply(whole, (a / b,)),
        bind=binder("input", "other"),
        forward=function,
        words=words,
    )


FMOD = remaining("fmod", np.fmod, "trunc", "what a division leaves, with the sign of the dividend")
REMAINDER = remaining(
    "remainder", np.mod, "floor", "what a division leaves, with the sign of the divisor"
)

# --- what is no number ------------------------------------------------------------------


def numbers_of(a: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """Put numbers where there are none, by default the largest there are for infinities."""
    return np.asarray(np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf))


def number_of(a: Expression, **numbers: Any) -> Expression:
    value = one_number(a)
    if math.isfinite(value):
        return a
    return Number(float(numbers_of(np.asarray(value), **numbers)))


NAN_TO_NUM = elementwise(
    "nan_to_num",
    number_of,
    settings={"nan": Read(lambda nan: nan or 0.0, 0.0), "posinf": None, "neginf": None},
    forward=numbers_of,
    # Where a number was put in, nothing passes.
    vjp=lambda g, y, a, **_: (np.where(np.isfinite(a), g, np.zeros_like(g)),),
    derivatives=(lambda y, a, **_: ONE if math.isfinite(one_number(a)) else ZERO,),
    piecewise=True,
    words="the same numbers, and others where there are none",
)

# --- of angles, hyperbolic ones, and their inverses -------------------------------------

SIN = elementwise("sin", words="sine")
COS = elementwise("cos", words="cosine")
TAN = elementwise("tan", words="tangent")
ASIN = elementwise("asin", words="angle with this sine")
ACOS = elementwise("acos", words="angle with this cosine")
ATAN = elementwise("atan", words="angle with this tangent")
SINH = elementwise("sinh", words="hyperbolic sine")
COSH = elementwise("cosh", words="hyperbolic cosine")
ASINH = elementwise("asinh", words="number with this hyperbolic sine")
ACOSH = elementwise("acosh", words="positive number with this hyperbolic cosine")
ATANH = elementwise("atanh", words="number with this hyperbolic tangent")


def _turned(a: Expression) -> Expression:
    return Number(math.pi) * a


def _sinc_computed(y: Expression, a: Expression) -> Expression:
    turned = _turned(a)
    above = turned * Apply("cos", (turned,)) - Apply("sin", (turned,))
    return choose(number(a) == 0, ZERO, above / (a * a * Number(math.pi)))


SINC = elementwise(
    "sinc",
    lambda a: choose(number(a) == 0, ONE, Apply("sin", (_turned(a),)) / _turned(a)),
    derivatives=(lambda y, a: choose(number(a) == 0, ZERO, (Apply("cos", (_turned(a),)) - y) / a),),
    computed=(_sinc_computed,),
    words="sine of π times a number, as a share of it",
)

# --- of two numbers ---------------------------------------------------------------------


def _angle(y: Expression, x: Expression) -> Expression:
    """Write the angle of the point (x, y) by the arctangent, in the part of the plane it is in."""
    across, up = one_number(x), one_number(y)
    if across == 0 or math.isinf(across) or math.isinf(up):
        return Number(math.atan2(up, across))
    within = Apply("atan", (y / x,))
    if across > 0:
        return within
    # The sign of a zero says from which side the point comes.
    return within + Number(math.pi) if math.copysign(1, up) > 0 else within - Number(math.pi)


def _by(body: Expression, y: Expression, x: Expression) -> Expression:
    """Write a slope, which is 0 at the origin, where no angle is."""
    at_origin = (number(y) == 0) & (number(x) == 0)
    return choose(at_origin, ZERO, body / (square(x) + square(y)))


_SMOOTH = elementwise(
    "atan2",
    _angle,
    bind=binder("input", "other"),
    forward=np.arctan2,
    derivatives=(lambda r, y, x: _by(x, y, x), lambda r, y, x: _by(-y, y, x)),
    piecewise=lambda y, x: bool(np.any((y == 0) & (x == 0))),
    words="angle of the point whose height and breadth these are",
)
# Its value comes in parts of the plane, its derivatives are one formula in all of it.
ATAN2 = replace(_SMOOTH, formula=lambda call: Opaque("atan2", call.wholes, (), np.arctan2))

HYPOT = elementwise(
    "hypot",
    lambda a, b: root(square(a) + square(b)),
    bind=binder("input", "other"),
    derivatives=(lambda y, a, b: a / y, lambda y, a, b: b / y),
    words="the long side of a right-angled triangle with these sides",
)
