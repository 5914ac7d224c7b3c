"""Activations made of straight lines: `hardtanh`, `relu6`, `hardsigmoid`, `hardswish`.

An element is written by the piece that it lies on. At a corner, where PyTorch has decided
for one of both slopes, so have we.

Those of `hardswish` at -3 and 3 depend on PyTorch's version. We have 0 and 1, as it has from
2.7 on; up to 2.6 it went on with the parabola's slopes there, -1/2 and 3/2 (its issue 147801).
With such a PyTorch the gradient of a number that lies on a corner is marked as not equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Number, evaluate
from ...trace import Array
from ..rule import Bound, elementwise

SIX, THREE = Number(6.0), Number(3.0)


def bind_hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Bound:
    return (input,), {"min_val": min_val, "max_val": max_val}


def held(a: Array, min_val: float, max_val: float) -> Array:
    raised = np.where(a < min_val, np.full_like(a, min_val), a)
    return np.where(raised > max_val, np.full_like(a, max_val), raised)


def _inside(a: Any, min_val: float, max_val: float) -> Any:
    # Unlike clamp's, its corners let no gradient through.
    return (a > min_val) & (a < max_val)


def _held_piece(a: Expression, min_val: float, max_val: float) -> Expression:
    found = evaluate(a)
    if found > max_val:
        return Number(float(max_val))
    return Number(float(min_val)) if found < min_val else a


HARDTANH = elementwise(
    "hardtanh",
    bind=bind_hardtanh,
    forward=held,
    vjp=lambda g, y, a, min_val, max_val: (
        np.where(_inside(a, min_val, max_val), g, np.zeros_like(g)),
    ),
    expression=_held_piece,
    derivatives=(
        lambda y, a, min_val, max_val: ONE if _inside(evaluate(a), min_val, max_val) else ZERO,
    ),
    words="held between two limits",
    torch="torch.nn.functional.hardtanh",
    piecewise=True,
    usual={"min_val": -1.0, "max_val": 1.0},
)

RELU6 = elementwise(
    "relu6",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: held(a, 0, 6),
    vjp=lambda g, y, a: (np.where(_inside(a, 0, 6), g, np.zeros_like(g)),),
    expression=lambda a: _held_piece(a, 0, 6),
    derivatives=(lambda y, a: ONE if _inside(evaluate(a), 0, 6) else ZERO,),
    words="keeps what is positive, up to 6",
    torch="torch.nn.functional.relu6",
    piecewise=True,
)


def _ramp(a: Expression) -> Expression:
    """The share of a number that hardswish keeps, which is its hardsigmoid: (x + 3)/6."""
    found = evaluate(a)
    if found <= -3:
        return ZERO
    return ONE if found >= 3 else (a + THREE) / SIX


# PyTorch has the slope of hardsigmoid in single precision, also where the numbers are double.
_SIXTH = float(np.float32(1 / 6))


def _ramp_vjp(g: Array, y: Array, a: Array) -> tuple[Array]:
    return (np.where(_inside(a, -3, 3), g * _SIXTH, np.zeros_like(g)),)


HARDSIGMOID = elementwise(
    "hardsigmoid",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: held(a + 3, 0, 6) / 6,
    vjp=_ramp_vjp,
    expression=_ramp,
    derivatives=(lambda y, a: Number(_SIXTH) if _inside(evaluate(a), -3, 3) else ZERO,),
    words="a straight line from 0 at -3 to 1 at 3",
    torch="torch.nn.functional.hardsigmoid",
    piecewise=True,
)


def _hardswish_slope(y: Expression, a: Expression) -> Expression:
    found = evaluate(a)
    if found <= -3:
        return ZERO
    return ONE if found >= 3 else a / THREE + Number(0.5)


HARDSWISH = elementwise(
    "hardswish",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: a * (held(a + 3, 0, 6) / 6),
    vjp=lambda g, y, a: (
        np.where(a <= -3, np.zeros_like(g), np.where(a >= 3, g, g * (a / 3 + 0.5))),
    ),
    expression=lambda a: a * _ramp(a),
    derivatives=(_hardswish_slope,),
    words="each number times a share of it that grows from 0 to 1",
    torch="torch.nn.functional.hardswish",
    piecewise=True,
)
