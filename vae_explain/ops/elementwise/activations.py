"""Activations beyond ReLU: `leaky_relu`, `elu`, `silu`, `softplus`, `softsign`, `tanhshrink`, …

Those with a bend are written by the piece that an element lies on: a line says `0.01·h[3]`
where h[3] is negative, and `h[0]` where it is not.
"""

from __future__ import annotations

import numpy as np

from ...symbolic.build import absolute, exp, log, scaled, sigmoid, square, tanh
from ...symbolic.build import softplus as softplus_of
from ...symbolic.expression import ONE, Expression, Number
from ...trace import Array
from ..array_functions import softplus
from ..pointwise import activation, choose, number

LEAKY_RELU = activation(
    "leaky_relu",
    lambda a, negative_slope: choose(number(a) > 0, a, Number(negative_slope) * a),
    settings={"negative_slope": 0.01},
    piecewise=True,
    title="leaky ReLU",
    words="keeps what is positive, shrinks what is negative",
)


def below(a: Array) -> Array:
    """What is negative, and 0 for the rest, whose exponential could overflow."""
    return np.where(a > 0, np.zeros_like(a), a)


ELU = activation(
    "elu",
    lambda a, alpha: choose(number(a) > 0, a, scaled(alpha, exp(a)) - Number(alpha)),
    settings={"alpha": 1.0},
    forward=lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(below(a))),
    vjp=lambda g, y, a, alpha: (np.where(a <= 0, g * (alpha * np.exp(below(a))), g),),
    computed=(lambda y, a, alpha: choose(number(a) > 0, ONE, y + Number(alpha)),),  # in place
    piecewise=True,
    title="ELU",
    words="keeps what is positive, bends what is negative towards -alpha",
)

SILU = activation(
    "silu",
    lambda a: a * sigmoid(a),
    derivatives=(lambda y, a: sigmoid(a) * (ONE + a * (ONE - sigmoid(a))),),
    title="SiLU",
    words="each number times its own sigmoid",
)


def _softplus_piece(a: Expression, beta: float, threshold: float) -> Expression:
    bent = log(ONE + exp(scaled(beta, a)))
    smooth = bent if beta == 1 else bent / Number(beta)
    return choose(number(scaled(beta, a)) > threshold, a, smooth)


def _softplus_slope(y: Expression, a: Expression, beta: float, threshold: float) -> Expression:
    return choose(number(scaled(beta, a)) > threshold, ONE, sigmoid(scaled(beta, a)))


SOFTPLUS = activation(
    "softplus",
    _softplus_piece,
    settings={"beta": 1.0, "threshold": 20.0},
    forward=lambda a, beta, threshold: np.where(a * beta > threshold, a, softplus(a * beta) / beta),
    derivatives=(_softplus_slope,),
    title="softplus",
    words="a ReLU with its corner rounded",
)

LOGSIGMOID = activation(
    "log_sigmoid",
    lambda a: -softplus_of(-a),
    title="log sigmoid",
    words="logarithm of the sigmoid",
    torch="torch.nn.functional.logsigmoid",
)

SOFTSIGN = activation(
    "softsign",
    lambda a: a / (ONE + absolute(a)),
    derivatives=(lambda y, a: ONE / square(ONE + absolute(a)),),
    computed=(),  # by the rule for a quotient
    title="softsign",
    words="squashes to between -1 and 1",
)

TANHSHRINK = activation(
    "tanhshrink",
    lambda a: a - tanh(a),
    derivatives=(lambda y, a: square(tanh(a)),),
    computed=(),  # by the rule for a sum
    title="tanhshrink",
    words="each number less its own tanh",
)
