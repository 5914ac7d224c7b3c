"""Trigonometric and hyperbolic functions and their inverses, from `sin` to `atan2`.

What `atan2` passes at the origin depends on PyTorch's version. We have 0, as it has from 2.10
on; up to 2.9 it was no number (its issue 165427). With such a PyTorch the gradient there is
marked as not equal.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...symbolic.build import root, square
from ...symbolic.expression import ONE, ZERO, Apply, Expression, Number, Opaque
from ..binding import binder
from ..pointwise import choose, elementwise, number, one_number

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


SINC = elementwise(
    "sinc",
    lambda a: choose(number(a) == 0, ONE, Apply("sin", (_turned(a),)) / _turned(a)),
    derivatives=(lambda y, a: choose(number(a) == 0, ZERO, (Apply("cos", (_turned(a),)) - y) / a),),
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
