"""Activations that leave out what is small: `hardshrink`, `softshrink`, `threshold`.

An element is written by the piece that it lies on. On the edge itself PyTorch leaves out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Number, evaluate
from ...trace import Array
from ..rule import Bound, elementwise


def bind(input: Any, lambd: float = 0.5) -> Bound:
    return (input,), {"lambd": lambd}


def _small(a: Any, lambd: float) -> Any:
    return (a >= -lambd) & (a <= lambd)


def _shrunk_vjp(g: Array, y: Array, a: Array, lambd: float) -> tuple[Array]:
    return (np.where(_small(a, lambd), np.zeros_like(g), g),)


def _slope(y: Expression, a: Expression, lambd: float) -> Expression:
    return ZERO if _small(evaluate(a), lambd) else ONE


HARDSHRINK = elementwise(
    "hardshrink",
    bind=bind,
    forward=lambda a, lambd: np.where(_small(a, lambd), np.zeros_like(a), a),
    vjp=_shrunk_vjp,
    expression=lambda a, lambd: ZERO if _small(evaluate(a), lambd) else a,
    derivatives=(_slope,),
    words="keeps what is far enough from 0",
    torch="torch.nn.functional.hardshrink",
    piecewise=True,
    usual={"lambd": 0.5},
)


def _towards_zero(a: Array, lambd: float) -> Array:
    moved = np.where(a > 0, a - lambd, a + lambd)
    return np.where(_small(a, lambd), np.zeros_like(a), moved)


def _moved_piece(a: Expression, lambd: float) -> Expression:
    found = evaluate(a)
    if _small(found, lambd):
        return ZERO
    return a - Number(lambd) if found > 0 else a + Number(lambd)


SOFTSHRINK = elementwise(
    "softshrink",
    bind=bind,
    forward=_towards_zero,
    vjp=_shrunk_vjp,
    expression=_moved_piece,
    derivatives=(_slope,),
    words="each number moved towards 0, and no farther",
    torch="torch.nn.functional.softshrink",
    piecewise=True,
    usual={"lambd": 0.5},
)


def bind_threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Bound:
    return (input,), {"threshold": threshold, "value": value}


THRESHOLD = elementwise(
    "threshold",
    bind=bind_threshold,
    forward=lambda a, threshold, value: np.where(a <= threshold, np.full_like(a, value), a),
    vjp=lambda g, y, a, threshold, value: (np.where(a <= threshold, np.zeros_like(g), g),),
    expression=lambda a, threshold, value: Number(float(value)) if evaluate(a) <= threshold else a,
    derivatives=(lambda y, a, threshold, value: ZERO if evaluate(a) <= threshold else ONE,),
    words="keeps what is above a threshold",
    torch="torch.nn.functional.threshold",
    piecewise=True,
)
