"""Activations made of straight lines: `hardtanh`, `relu6`, `hardsigmoid`, `hardswish`.

At a corner, where PyTorch has decided for one of both slopes, so have we.

Those of `hardswish` at -3 and 3 depend on PyTorch's version. We have 0 and 1, as it has from
2.7 on; up to 2.6 it went on with the parabola's slopes there, -1/2 and 3/2 (its issue 147801).
With such a PyTorch the gradient of a number that lies on a corner is marked as not equal.
"""

from __future__ import annotations

import numpy as np

from ...symbolic.build import HALF, THREE
from ...symbolic.expression import ONE, ZERO, Expression, Number
from ..pointwise import activation, choose, number

SIX = Number(6.0)
# PyTorch has the slope of hardsigmoid in single precision, also where the numbers are double.
SIXTH = Number(float(np.float32(1 / 6)))


def held(a: Expression, low: float, high: float) -> Expression:
    """Write a number, or the limit that it lies beyond."""
    raised = choose(number(a) < low, Number(float(low)), a)
    return choose(number(a) > high, Number(float(high)), raised)


def inside(a: Expression, low: float, high: float, slope: Expression = ONE) -> Expression:
    """Write the slope of what is held; unlike clamp's, its corners let no gradient through."""
    return choose((number(a) > low) & (number(a) < high), slope, ZERO)


def beyond(a: Expression, between: Expression) -> Expression:
    """Write 0 up to -3, 1 from 3 on, and another expression in between."""
    return choose(number(a) <= -3, ZERO, choose(number(a) >= 3, ONE, between))


HARDTANH = activation(
    "hardtanh",
    lambda a, min_val, max_val: held(a, min_val, max_val),
    settings={"min_val": -1.0, "max_val": 1.0},
    derivatives=(lambda y, a, min_val, max_val: inside(a, min_val, max_val),),
    piecewise=True,
    title="hardtanh",
    words="held between two limits",
)

RELU6 = activation(
    "relu6",
    lambda a: held(a, 0, 6),
    derivatives=(lambda y, a: inside(a, 0, 6),),
    piecewise=True,
    title="ReLU6",
    words="keeps what is positive, up to 6",
)

HARDSIGMOID = activation(
    "hardsigmoid",
    lambda a: beyond(a, (a + THREE) / SIX),
    derivatives=(lambda y, a: inside(a, -3, 3, SIXTH),),
    piecewise=True,
    title="hardsigmoid",
    words="a straight line from 0 at -3 to 1 at 3",
)

HARDSWISH = activation(
    "hardswish",
    lambda a: a * beyond(a, (a + THREE) / SIX),
    derivatives=(lambda y, a: beyond(a, a / THREE + HALF),),
    piecewise=True,
    title="hardswish",
    words="each number times a share of it that grows from 0 to 1",
)
