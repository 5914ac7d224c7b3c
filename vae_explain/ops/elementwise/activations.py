"""Activations beyond ReLU: `leaky_relu`, `elu`, `silu`, `softplus`, `softsign`, `tanhshrink`, …

Those with a bend are written by the piece that an element lies on: a line says `0.01·h[3]`
where h[3] is negative, and `h[0]` where it is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Number, evaluate
from ...trace import Array
from ..rule import Bound, elementwise, number
from .sigmoid import sigmoid

TWO = Number(2.0)


def exp(a: Expression) -> Expression:
    return Apply("exp", (a,))


def bind_leaky(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Bound:
    return (input,), {"negative_slope": negative_slope}


LEAKY_RELU = elementwise(
    "leaky_relu",
    bind=bind_leaky,
    forward=lambda a, negative_slope: np.where(a > 0, a, a * negative_slope),
    # At exactly 0 PyTorch takes the slope of the negative side.
    vjp=lambda g, y, a, negative_slope: (np.where(a > 0, g, g * negative_slope),),
    expression=lambda a, negative_slope: a if evaluate(a) > 0 else Number(negative_slope) * a,
    derivatives=(lambda y, a, negative_slope: ONE if evaluate(a) > 0 else Number(negative_slope),),
    words="keeps what is positive, shrinks what is negative",
    torch="torch.nn.functional.leaky_relu",
    piecewise=True,
    usual={"negative_slope": 0.01},
)


def elu(a: Array, alpha: float) -> Array:
    # Of a positive number the other piece could overflow, though it is not taken.
    below = np.where(a > 0, np.zeros_like(a), a)
    return np.where(a > 0, a, alpha * np.expm1(below))


def _elu_piece(a: Expression, alpha: float) -> Expression:
    return a if evaluate(a) > 0 else _elu_slope(a, a, alpha) - Number(alpha)


def _elu_slope(y: Expression, a: Expression, alpha: float) -> Expression:
    if evaluate(a) > 0:
        return ONE
    return exp(a) if alpha == 1 else Number(alpha) * exp(a)


ELU = elementwise(
    "elu",
    bind=lambda input, alpha=1.0, inplace=False: ((input,), {"alpha": alpha}),
    forward=elu,
    vjp=lambda g, y, a, alpha: (np.where(a <= 0, g * (y + alpha), g),),
    expression=_elu_piece,
    derivatives=(_elu_slope,),
    words="keeps what is positive, bends what is negative towards -alpha",
    torch="torch.nn.functional.elu",
    piecewise=True,
    usual={"alpha": 1.0},
)


def _silu_slope(y: Expression, a: Expression) -> Expression:
    gate = Apply("sigmoid", (a,))
    return gate * (ONE + a * (ONE - gate))


SILU = elementwise(
    "silu",
    bind=lambda input, inplace=False: ((input,), {}),
    forward=lambda a: a * sigmoid(a),
    vjp=lambda g, y, a: (g * sigmoid(a) * (1 + a * (1 - sigmoid(a))),),
    expression=lambda a: a * Apply("sigmoid", (a,)),
    derivatives=(_silu_slope,),
    words="each number times its own sigmoid",
    torch="torch.nn.functional.silu",
)


def softplus(a: Array) -> Array:
    """log(1 + exp(a)), written so that no large argument overflows."""
    small = np.exp(np.where(a > 0, -a, a))
    return np.where(a > 0, a, np.zeros_like(a)) + np.log1p(small)


def _softplus_piece(a: Expression, beta: float, threshold: float) -> Expression:
    scaled = a if beta == 1 else Number(beta) * a
    if number(scaled) > threshold:
        return a
    smooth = Apply("log", (ONE + exp(scaled),))
    return smooth if beta == 1 else smooth / Number(beta)


def _softplus_slope(y: Expression, a: Expression, beta: float, threshold: float) -> Expression:
    scaled = a if beta == 1 else Number(beta) * a
    return ONE if number(scaled) > threshold else Apply("sigmoid", (scaled,))


SOFTPLUS = elementwise(
    "softplus",
    bind=lambda input, beta=1.0, threshold=20.0: (
        (input,),
        {"beta": beta, "threshold": threshold},
    ),
    forward=lambda a, beta, threshold: np.where(a * beta > threshold, a, softplus(a * beta) / beta),
    vjp=lambda g, y, a, beta, threshold: (
        np.where(a * beta > threshold, g, g * sigmoid(a * beta)),
    ),
    expression=_softplus_piece,
    derivatives=(_softplus_slope,),
    words="a ReLU with its corner rounded",
    torch="torch.nn.functional.softplus",
    piecewise=lambda a, beta, threshold: bool((a * beta > threshold).any()),
    usual={"beta": 1.0, "threshold": 20.0},
)

LOGSIGMOID = elementwise(
    "log_sigmoid",
    bind=lambda input: ((input,), {}),
    forward=lambda a: -softplus(-a),
    vjp=lambda g, y, a: (g * sigmoid(-a),),
    expression=lambda a: -Apply("softplus", (-a,)),
    derivatives=(lambda y, a: Apply("sigmoid", (-a,)),),
    words="logarithm of the sigmoid",
    torch="torch.nn.functional.logsigmoid",
)


def _softsign(a: Array) -> Array:
    return np.asarray(a / (1 + np.abs(a)))


SOFTSIGN = elementwise(
    "softsign",
    bind=lambda input: ((input,), {}),
    forward=_softsign,
    vjp=lambda g, y, a: (g / (1 + np.abs(a)) ** 2,),
    expression=lambda a: a / (ONE + Apply("abs", (a,))),
    derivatives=(lambda y, a: ONE / (ONE + Apply("abs", (a,))) ** TWO,),
    words="squashes to between -1 and 1",
    torch="torch.nn.functional.softsign",
)


def _tanh(a: Expression) -> Expression:
    return Apply("tanh", (a,))


TANHSHRINK = elementwise(
    "tanhshrink",
    bind=lambda input: ((input,), {}),
    forward=lambda a: a - np.tanh(a),
    vjp=lambda g, y, a: (g * np.tanh(a) ** 2,),
    expression=lambda a: a - _tanh(a),
    derivatives=(lambda y, a: _tanh(a) ** TWO,),
    words="each number less its own tanh",
    torch="torch.nn.functional.tanhshrink",
)
