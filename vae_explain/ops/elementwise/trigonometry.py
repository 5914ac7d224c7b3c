"""Trigonometric and hyperbolic functions and their inverses, from `tan` to `atan2`.

What `atan2` passes at the origin depends on PyTorch's version. We have 0, as it has from 2.10
on; up to 2.9 it was no number (its issue 165427). With such a PyTorch the gradient there is
marked as not equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...symbolic.expression import ONE, ZERO, Apply, Expression, Number, Opaque
from ...trace import Array
from ..rule import Rule, elementwise, number
from .unary import bind

TWO = Number(2.0)


def square(a: Expression) -> Expression:
    return a**TWO


def root(a: Expression) -> Expression:
    return Apply("sqrt", (a,))


def function(
    name: str,
    on_array: Callable[[Array], Array],
    slope: Callable[[Array, Array], Array],
    derivative: Callable[[Expression, Expression], Expression],
    words: str,
) -> Rule:
    """Make the rule of a function that goes by its name.

    Parameters
    ----------
    slope
        `slope(output, operand)`, its derivative as PyTorch takes it.
    derivative
        The same as an expression.
    """
    return elementwise(
        name,
        bind=bind,
        forward=on_array,
        vjp=lambda g, y, a: (g * slope(y, a),),
        expression=lambda a: Apply(name, (a,)),
        derivatives=(derivative,),
        words=words,
        torch=f"torch.{name}",
    )


TAN = function(
    "tan", np.tan, lambda y, a: 1 + y * y, lambda y, a: ONE + square(Apply("tan", (a,))), "tangent"
)
ASIN = function(
    "asin",
    np.arcsin,
    lambda y, a: 1 / np.sqrt(1 - a * a),
    lambda y, a: ONE / root(ONE - square(a)),
    "angle with this sine",
)
ACOS = function(
    "acos",
    np.arccos,
    lambda y, a: -1 / np.sqrt(1 - a * a),
    lambda y, a: -ONE / root(ONE - square(a)),
    "angle with this cosine",
)
ATAN = function(
    "atan",
    np.arctan,
    lambda y, a: 1 / (1 + a * a),
    lambda y, a: ONE / (ONE + square(a)),
    "angle with this tangent",
)
SINH = function(
    "sinh", np.sinh, lambda y, a: np.cosh(a), lambda y, a: Apply("cosh", (a,)), "hyperbolic sine"
)
COSH = function(
    "cosh", np.cosh, lambda y, a: np.sinh(a), lambda y, a: Apply("sinh", (a,)), "hyperbolic cosine"
)
ASINH = function(
    "asinh",
    np.arcsinh,
    lambda y, a: 1 / np.sqrt(1 + a * a),
    lambda y, a: ONE / root(ONE + square(a)),
    "number with this hyperbolic sine",
)
ACOSH = function(
    "acosh",
    np.arccosh,
    lambda y, a: 1 / np.sqrt(a * a - 1),
    lambda y, a: ONE / root(square(a) - ONE),
    "positive number with this hyperbolic cosine",
)
ATANH = function(
    "atanh",
    np.arctanh,
    lambda y, a: 1 / (1 - a * a),
    lambda y, a: ONE / (ONE - square(a)),
    "number with this hyperbolic tangent",
)

# --- of two numbers ---------------------------------------------------------------------


def _angle(y: Expression, x: Expression) -> Expression:
    """Write the angle of the point (x, y) by the arctangent, in the part of the plane it is in."""
    across, up = number(x), number(y)
    if across == 0 or math.isinf(across) or math.isinf(up):
        return Number(math.atan2(up, across))
    within = Apply("atan", (y / x,))
    if across > 0:
        return within
    # The sign of a zero says from which side the point comes.
    return within + Number(math.pi) if math.copysign(1, up) > 0 else within - Number(math.pi)


def _atan2_vjp(g: Array, r: Array, y: Array, x: Array) -> tuple[Array, Array]:
    squared = x * x + y * y
    # At the origin, where no angle is, PyTorch passes nothing.
    squared = np.where(squared == 0, np.ones_like(squared), squared)
    return g * x / squared, -g * y / squared


def _by(body: Expression, y: Expression, x: Expression) -> Expression:
    return ZERO if number(y) == number(x) == 0 else body / (square(x) + square(y))


_SMOOTH = elementwise(
    "atan2",
    bind=lambda input, other: ((input, other), {}),
    forward=np.arctan2,
    vjp=_atan2_vjp,
    expression=_angle,
    derivatives=(
        lambda r, y, x: _by(x, y, x),
        lambda r, y, x: _by(-y, y, x),
    ),
    words="angle of the point whose height and breadth these are",
    torch="torch.atan2",
    piecewise=lambda y, x: bool(np.any((y == 0) & (x == 0))),
)
# Its value comes in parts of the plane, its derivatives are one formula in all of it.
ATAN2 = replace(
    _SMOOTH,
    formula=lambda call: Opaque(
        "atan2", tuple(operand.whole() for operand in call.operands), (), np.arctan2
    ),
)

HYPOT = elementwise(
    "hypot",
    bind=lambda input, other: ((input, other), {}),
    forward=lambda a, b: np.sqrt(a * a + b * b),
    vjp=lambda g, y, a, b: (g * a / y, g * b / y),
    expression=lambda a, b: root(square(a) + square(b)),
    derivatives=(lambda y, a, b: a / y, lambda y, a, b: b / y),
    words="the long side of a right-angled triangle with these sides",
    torch="torch.hypot",
)
