"""ELU's kin: `selu`, whose two constants keep mean 0 and variance 1, `celu`, and `mish`."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Number, evaluate
from ...trace import Array
from ..rule import elementwise
from .activations import exp, softplus
from .sigmoid import sigmoid

# From "Self-Normalizing Neural Networks" (Klambauer et al. 2017), as PyTorch has them.
ALPHA = 1.6732632423543772848170429916717
SCALE = 1.0507009873554804934193349852946


def below(a: Array) -> Array:
    """What is negative, and 0 for the rest, whose exponential could overflow."""
    return np.where(a > 0, np.zeros_like(a), a)


def _selu_piece(a: Expression) -> Expression:
    if evaluate(a) > 0:
        return Number(SCALE) * a
    return Number(SCALE * ALPHA) * (exp(a) - ONE)


SELU = elementwise(
    "selu",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: SCALE * np.where(a > 0, a, ALPHA * np.expm1(below(a))),
    vjp=lambda g, y, a: (g * SCALE * np.where(a > 0, np.ones_like(a), ALPHA * np.exp(below(a))),),
    expression=_selu_piece,
    derivatives=(
        lambda y, a: Number(SCALE) if evaluate(a) > 0 else Number(SCALE * ALPHA) * exp(a),
    ),
    words="scales what is positive, bends what is negative",
    torch="torch.nn.functional.selu",
    piecewise=True,
)


def _celu_piece(a: Expression, alpha: float) -> Expression:
    if evaluate(a) > 0:
        return a
    scaled = a if alpha == 1 else a / Number(alpha)
    body = exp(scaled) - ONE
    return body if alpha == 1 else Number(alpha) * body


CELU = elementwise(
    "celu",
    bind=lambda input, alpha=1.0, inplace=False: ((input,), {"alpha": alpha}),
    forward=lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(below(a) / alpha)),
    vjp=lambda g, y, a, alpha: (g * np.where(a > 0, np.ones_like(a), np.exp(below(a) / alpha)),),
    expression=_celu_piece,
    derivatives=(lambda y, a, alpha: ONE if evaluate(a) > 0 else exp(a / Number(alpha)),),
    words="keeps what is positive, bends what is negative without a corner",
    torch="torch.nn.functional.celu",
    piecewise=True,
    usual={"alpha": 1.0},
)


def _mish_vjp(g: Array, y: Array, a: Array) -> tuple[Array]:
    bent = np.tanh(softplus(a))
    return (g * (bent + a * sigmoid(a) * (1 - bent * bent)),)


def _bent(a: Expression) -> Expression:
    return Apply("tanh", (Apply("softplus", (a,)),))


MISH = elementwise(
    "mish",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: a * np.tanh(softplus(a)),
    vjp=_mish_vjp,
    expression=lambda a: a * _bent(a),
    derivatives=(
        lambda y, a: _bent(a) + a * Apply("sigmoid", (a,)) * (ONE - _bent(a) ** Number(2.0)),
    ),
    words="each number times the tanh of its own softplus",
    torch="torch.nn.functional.mish",
)
