"""ELU's kin: `selu`, whose two constants keep mean 0 and variance 1, `celu`, and `mish`."""

from __future__ import annotations

import numpy as np

from ...symbolic.build import exp, scaled, softplus, tanh
from ...symbolic.expression import ONE, Expression, Number
from ..pointwise import activation, choose, number
from .activations import below

# From "Self-Normalizing Neural Networks" (Klambauer et al. 2017), as PyTorch has them.
ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946

SELU = activation(
    "selu",
    lambda a: choose(number(a) > 0, Number(SCALE) * a, Number(SCALE * ALPHA) * (exp(a) - ONE)),
    forward=lambda a: SCALE * np.where(a > 0, a, ALPHA * np.expm1(below(a))),
    computed=(lambda y, a: choose(number(a) > 0, Number(SCALE), y + Number(SCALE * ALPHA)),),
    vjp=lambda g, y, a: (g * SCALE * np.where(a > 0, np.ones_like(a), ALPHA * np.exp(below(a))),),
    piecewise=True,
    title="SELU",
    words="scales what is positive, bends what is negative",
)


def _celu_piece(a: Expression, alpha: float) -> Expression:
    power = exp(a if alpha == 1 else a / Number(alpha))
    return choose(number(a) > 0, a, scaled(alpha, power - ONE))


CELU = activation(
    "celu",
    _celu_piece,
    settings={"alpha": 1.0},
    computed=(lambda y, a, alpha: choose(number(a) > 0, ONE, y / Number(alpha) + ONE),),
    forward=lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(below(a) / alpha)),
    piecewise=True,
    title="CELU",
    words="keeps what is positive, bends what is negative without a corner",
)

MISH = activation(
    "mish",
    lambda a: a * tanh(softplus(a)),
    title="Mish",
    words="each number times the tanh of its own softplus",
)
