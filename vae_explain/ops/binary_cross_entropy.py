"""`binary_cross_entropy`, with probabilities or with logits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..expression import ONE, Apply, Expression, Number
from ..trace import Array
from .activations import softplus
from .losses import bind_nothing, plain, pointwise_loss
from .rule import Bound, Example, elementwise, number
from .sigmoid import sigmoid

# PyTorch lets no logarithm go below this, and no product p·(1 - p) below that: 1e-12, as
# the float32 that it is written as.
LOWEST_LOG, LOWEST_PRODUCT = -100.0, 9.999999960041972e-13
SMALLEST = math.exp(LOWEST_LOG)


def bind(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Bound:
    plain(weight=weight, size_average=size_average, reduce=reduce, pos_weight=pos_weight)
    return (input, target), {"reduction": reduction}


# --- probabilities ----------------------------------------------------------------------


def _log(p: Array) -> Array:
    with np.errstate(divide="ignore"):
        found = np.log(p)
    return np.where(np.real(found) < LOWEST_LOG, np.full_like(found, LOWEST_LOG), found)


def forward(p: Array, t: Array) -> Array:
    return np.asarray(-(t * _log(p) + (1 - t) * _log(1 - p)))


def vjp(g: Array, y: Array, p: Array, t: Array) -> tuple[Array, Array]:
    product = np.maximum(p * (1 - p), np.full_like(p, LOWEST_PRODUCT))
    with np.errstate(divide="ignore"):
        to_target = np.log(1 - p) - np.log(p)
    return g * (p - t) / product, g * to_target


def log_of(p: Expression) -> Expression:
    return Number(LOWEST_LOG) if number(p) < SMALLEST else Apply("log", (p,))


def expression(p: Expression, t: Expression) -> Expression:
    return -(t * log_of(p) + (ONE - t) * log_of(ONE - p))


def by_probability(y: Expression, p: Expression, t: Expression) -> Expression:
    product = p * (ONE - p)
    return (p - t) / (Number(LOWEST_PRODUCT) if number(product) < LOWEST_PRODUCT else product)


def by_target(y: Expression, p: Expression, t: Expression) -> Expression:
    return Apply("log", (ONE - p,)) - Apply("log", (p,))


_P = np.array([[0.25, 0.5, 0.875], [0.0625, 0.75, 0.125]])
_T = np.array([[1.0, 0.0, 0.5], [0.25, 1.0, 0.0]])
_REDUCTIONS = ("mean", "sum", "none")

BINARY_CROSS_ENTROPY = pointwise_loss(
    elementwise(
        "binary_cross_entropy",
        bind=bind_nothing,
        forward=forward,
        vjp=vjp,
        expression=expression,
        derivatives=(by_probability, by_target),
        words="how surprising the targets are under these probabilities",
        torch="torch.nn.functional.binary_cross_entropy",
        examples=(),
        piecewise=lambda p, t: bool((p * (1 - p) < LOWEST_PRODUCT).any()),
    ),
    bind,
    *(Example((_P, _T), {"reduction": reduction}) for reduction in _REDUCTIONS),
)

# --- logits -----------------------------------------------------------------------------

BINARY_CROSS_ENTROPY_WITH_LOGITS = pointwise_loss(
    elementwise(
        "binary_cross_entropy_with_logits",
        bind=bind_nothing,
        forward=lambda a, t: (1 - t) * a + softplus(-a),
        vjp=lambda g, y, a, t: (g * (sigmoid(a) - t), -g * a),
        expression=lambda a, t: Apply("softplus", (a,)) - t * a,
        derivatives=(
            lambda y, a, t: Apply("sigmoid", (a,)) - t,
            lambda y, a, t: -a,
        ),
        words="how surprising the targets are under these logits",
        torch="torch.nn.functional.binary_cross_entropy_with_logits",
        examples=(),
    ),
    bind,
    *(
        Example((np.array([[0.25, -1.0, 3.0], [2.0, 0.0, -0.75]]), _T), {"reduction": reduction})
        for reduction in _REDUCTIONS
    ),
)
