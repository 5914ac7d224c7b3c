"""Activations that leave out what is small: `hardshrink`, `softshrink`, `threshold`.

On the edge itself PyTorch leaves out.
"""

from __future__ import annotations

from typing import Any

from ...symbolic.expression import ZERO, Expression, Number
from ..binding import REQUIRED, binder
from ..pointwise import activation, choose, number


def _is_small(a: Expression, lambd: float) -> Any:
    return (number(a) >= -lambd) & (number(a) <= lambd)


def _moved(a: Expression, lambd: float) -> Expression:
    """Write a number moved towards 0."""
    return choose(number(a) > 0, a - Number(lambd), a + Number(lambd))


HARDSHRINK = activation(
    "hardshrink",
    lambda a, lambd: choose(_is_small(a, lambd), ZERO, a),
    settings={"lambd": 0.5},
    piecewise=True,
    title="hardshrink",
    words="keeps what is far enough from 0",
)

SOFTSHRINK = activation(
    "softshrink",
    lambda a, lambd: choose(_is_small(a, lambd), ZERO, _moved(a, lambd)),
    settings={"lambd": 0.5},
    piecewise=True,
    title="softshrink",
    words="each number moved towards 0, and no farther",
)

THRESHOLD = activation(
    "threshold",
    lambda a, threshold, value: choose(number(a) <= threshold, Number(float(value)), a),
    bind=binder("input", threshold=REQUIRED, value=REQUIRED),
    piecewise=True,
    title="threshold",
    words="keeps what is above a threshold",
)
