"""`gelu`: each number times the share of a standard normal that lies below it.

Both forms: with Φ itself, and with the tanh that comes close to it.
"""

from __future__ import annotations

import math

import numpy as np

from ...symbolic.build import HALF, THREE, square, tanh
from ...symbolic.expression import ONE, Apply, Expression, Number
from ...trace import Array
from ..pointwise import activation
from .unary import erf

ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715  # the constant of the tanh form, from Hendrycks and Gimpel, 2016


def normal_below(a: Array) -> Array:
    """Φ(a), the share of a standard normal that lies below a, rounded once."""
    share = 0.5 * (1 + erf((a / math.sqrt(2)).astype(np.float64)))
    return np.asarray(share).astype(a.dtype)


def _bent(a: Array) -> Array:
    return np.tanh(ROOT * (a + CUBIC * a * a * a))


def forward(a: Array, approximate: str) -> Array:
    if approximate == "tanh":
        return np.asarray(0.5 * a * (1 + _bent(a)))
    return a * normal_below(a)


def slope(a: Array, approximate: str) -> Array:
    if approximate == "tanh":
        bent = _bent(a)
        inner = ROOT * (1 + 3 * CUBIC * a * a)
        return np.asarray(0.5 * (1 + bent) + 0.5 * a * (1 - bent * bent) * inner)
    return normal_below(a) + a * np.exp(-a * a / 2) / math.sqrt(2 * math.pi)


def _bent_expression(a: Expression) -> Expression:
    return tanh(Number(ROOT) * (a + Number(CUBIC) * a**THREE))


def expression(a: Expression, approximate: str) -> Expression:
    if approximate == "tanh":
        return HALF * a * (ONE + _bent_expression(a))
    return a * Apply("Φ", (a,))


def derivative(y: Expression, a: Expression, approximate: str) -> Expression:
    if approximate == "tanh":
        bent = _bent_expression(a)
        inner = Number(ROOT) * (ONE + Number(3 * CUBIC) * square(a))
        return HALF * (ONE + bent) + HALF * a * (ONE - square(bent)) * inner
    return Apply("Φ", (a,)) + a * Apply("φ", (a,))


GELU = activation(
    "gelu",
    expression,
    settings={"approximate": "none"},
    forward=forward,
    vjp=lambda g, y, a, approximate: (g * slope(a, approximate),),
    derivatives=(derivative,),
    title="GELU",
    words="each number times the share of a standard normal below it",
)
