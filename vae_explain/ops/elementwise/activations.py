"""Activations that bend smoothly, from `sigmoid` and `elu` to `gelu` and `mish`.

Those with a bend are written by the piece that an element lies on: a line says `0.01·h[3]`
where h[3] is negative, and `h[0]` where it is not.
"""

from __future__ import annotations

import math

import numpy as np

from ...symbolic.build import HALF, THREE, absolute, exp, log, scaled, sigmoid, square, tanh
from ...symbolic.build import softplus as softplus_of
from ...symbolic.expression import ONE, ZERO, Apply, Expression, Number, Ref
from ...trace import Array
from ..array_functions import softplus
from ..pointwise import activation, choose, elementwise, number
from .functions import erf

# --- squashing, whose derivatives are written by the output -----------------------------

SIGMOID = elementwise(
    "sigmoid",
    sigmoid,
    derivatives=(lambda y, a: y * (ONE - y),),
    title="sigmoid",
    words="squashes to between 0 and 1",
)

TANH = elementwise(
    "tanh",
    tanh,
    derivatives=(lambda y, a: ONE - square(y),),
    title="tanh",
    words="squashes to between -1 and 1",
)

# --- ReLU's kin -------------------------------------------------------------------------

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
    steps=lambda a, alpha: choose(number(a) > 0, a, Number(alpha) * (exp(a) - ONE)),
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


def _softplus_computed(y: Expression, a: Expression, beta: float, threshold: float) -> Expression:
    power = exp(scaled(beta, a))
    return choose(number(scaled(beta, a)) > threshold, ONE, power / (power + ONE))


SOFTPLUS = activation(
    "softplus",
    _softplus_piece,
    settings={"beta": 1.0, "threshold": 20.0},
    forward=lambda a, beta, threshold: np.where(a * beta > threshold, a, softplus(a * beta) / beta),
    derivatives=(_softplus_slope,),
    computed=(_softplus_computed,),
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

# --- ELU's kin: constants that keep mean 0 and variance 1, and `mish` -------------------

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


def _celu_computed(y: Expression, a: Expression, alpha: float) -> Expression:
    """Write the slope in steps: PyTorch has 1/alpha of alpha in float32, whatever it computes in.

    In place the power is the output's, which has alpha itself: the line may come to either.
    """
    kept = float(np.float32(alpha))
    bent = y / Number(kept) + Number(alpha / kept)
    if kept != alpha:
        bent *= exp(a * Ref("1/alpha", value=1 / kept - 1 / alpha, made=lambda: ZERO))
    return choose(number(a) > 0, ONE, bent)


CELU = activation(
    "celu",
    _celu_piece,
    settings={"alpha": 1.0},
    computed=(_celu_computed,),
    forward=lambda a, alpha: np.where(a > 0, a, alpha * np.expm1(below(a) / alpha)),
    piecewise=True,
    title="CELU",
    words="keeps what is positive, bends what is negative without a corner",
)

MISH = activation(
    "mish",
    lambda a: a * tanh(softplus_of(a)),
    title="Mish",
    words="each number times the tanh of its own softplus",
)

# --- each number times the share of a standard normal that lies below it ----------------
# Both forms: with Φ itself, and with the tanh that comes close to it.

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
