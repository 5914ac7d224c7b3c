"""`sigmoid` and `tanh`: squashing functions, whose derivatives are written by their output."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import ONE, Apply, Number
from ...trace import Array
from ..rule import elementwise


def sigmoid(a: Array) -> Array:
    """1 / (1 + exp(-a)), written so that no large argument overflows."""
    small = np.exp(np.where(a >= 0, -a, a))
    return np.where(a >= 0, 1 / (1 + small), small / (1 + small))


SIGMOID = elementwise(
    "sigmoid",
    bind=lambda input: ((input,), {}),
    forward=sigmoid,
    vjp=lambda g, y, a: (g * y * (1 - y),),
    expression=lambda a: Apply("sigmoid", (a,)),
    derivatives=(lambda y, a: y * (ONE - y),),
    words="squashes to between 0 and 1",
    torch="torch.sigmoid",
)

TANH = elementwise(
    "tanh",
    bind=lambda input: ((input,), {}),
    forward=np.tanh,
    vjp=lambda g, y, a: (g * (1 - y * y),),
    expression=lambda a: Apply("tanh", (a,)),
    derivatives=(lambda y, a: ONE - y ** Number(2.0),),
    words="squashes to between -1 and 1",
    torch="torch.tanh",
)
