"""`binary_cross_entropy`, with probabilities or with logits, each with or without weights.

`weight` is a factor of each element's loss, and `pos_weight`, with logits alone, one of what
its target says for a one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Number
from ...trace import Array
from ..elementwise.activations import softplus
from ..elementwise.sigmoid import sigmoid
from ..rule import Bound, elementwise, number
from .elementwise_loss import (
    GIVEN,
    bind_nothing,
    by_what_is_given,
    plain,
    pointwise_loss,
)

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
    plain(size_average=size_average, reduce=reduce)
    further = {"weight": weight, "pos_weight": pos_weight}
    given = {name: value for name, value in further.items() if value is not None}
    attributes = {"reduction": reduction} | ({GIVEN: tuple(given)} if given else {})
    return (input, target, *given.values()), attributes


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


def by_probability(p: Expression, t: Expression) -> Expression:
    product = p * (ONE - p)
    return (p - t) / (Number(LOWEST_PRODUCT) if number(product) < LOWEST_PRODUCT else product)


def by_target(p: Expression) -> Expression:
    return Apply("log", (ONE - p,)) - Apply("log", (p,))


def in_pieces(p: Array, t: Array, *weight: Array) -> bool:
    return bool((p * (1 - p) < LOWEST_PRODUCT).any())


_PROBABILITIES = elementwise(
    "binary_cross_entropy",
    bind=bind_nothing,
    forward=forward,
    vjp=vjp,
    expression=expression,
    derivatives=(lambda y, p, t: by_probability(p, t), lambda y, p, t: by_target(p)),
    words="how surprising the targets are under these probabilities",
    torch="torch.nn.functional.binary_cross_entropy",
    piecewise=in_pieces,
)
_WEIGHTED_PROBABILITIES = elementwise(
    "binary_cross_entropy",
    bind=bind_nothing,
    forward=lambda p, t, w: w * forward(p, t),
    vjp=lambda g, y, p, t, w: (*vjp(g * w, y, p, t), None),
    expression=lambda p, t, w: w * expression(p, t),
    derivatives=(
        lambda y, p, t, w: w * by_probability(p, t),
        lambda y, p, t, w: w * by_target(p),
    ),
    words=_PROBABILITIES.words,
    torch=_PROBABILITIES.torch,
    piecewise=in_pieces,
)
BINARY_CROSS_ENTROPY = pointwise_loss(
    by_what_is_given({(): _PROBABILITIES, ("weight",): _WEIGHTED_PROBABILITIES}), bind
)

# --- logits -----------------------------------------------------------------------------

_LOGITS = elementwise(
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
)


def counted(a: Array, t: Array, positive: Array) -> Array:
    """The loss of each element where a target of 1 counts `positive` times."""
    return np.asarray((1 - t) * a + (1 + (positive - 1) * t) * softplus(-a))


def counted_vjp(g: Array, a: Array, t: Array, positive: Array) -> tuple[Array, Array]:
    to_logits = (1 - t) * sigmoid(a) - positive * t * sigmoid(-a)
    return g * to_logits, g * (positive * softplus(-a) - softplus(a))


def counted_expression(a: Expression, t: Expression, positive: Expression) -> Expression:
    return positive * t * Apply("softplus", (-a,)) + (ONE - t) * Apply("softplus", (a,))


def counted_by_logit(a: Expression, t: Expression, positive: Expression) -> Expression:
    return (ONE - t) * Apply("sigmoid", (a,)) - positive * t * Apply("sigmoid", (-a,))


def counted_by_target(a: Expression, positive: Expression) -> Expression:
    return positive * Apply("softplus", (-a,)) - Apply("softplus", (a,))


_WEIGHTED_LOGITS = elementwise(
    _LOGITS.name,
    bind=bind_nothing,
    forward=lambda a, t, w: w * _LOGITS.forward(a, t),
    vjp=lambda g, y, a, t, w: (*_LOGITS.vjp(g * w, y, a, t), None),
    expression=lambda a, t, w: w * (Apply("softplus", (a,)) - t * a),
    derivatives=(
        lambda y, a, t, w: w * (Apply("sigmoid", (a,)) - t),
        lambda y, a, t, w: -(w * a),
    ),
    words=_LOGITS.words,
    torch=_LOGITS.torch,
)
_COUNTED_LOGITS = elementwise(
    _LOGITS.name,
    bind=bind_nothing,
    forward=counted,
    vjp=lambda g, y, a, t, p: (*counted_vjp(g, a, t, p), None),
    expression=counted_expression,
    derivatives=(
        lambda y, a, t, p: counted_by_logit(a, t, p),
        lambda y, a, t, p: counted_by_target(a, p),
    ),
    words=_LOGITS.words,
    torch=_LOGITS.torch,
)
_BOTH = elementwise(
    _LOGITS.name,
    bind=bind_nothing,
    forward=lambda a, t, w, p: w * counted(a, t, p),
    vjp=lambda g, y, a, t, w, p: (*counted_vjp(g * w, a, t, p), None, None),
    expression=lambda a, t, w, p: w * counted_expression(a, t, p),
    derivatives=(
        lambda y, a, t, w, p: w * counted_by_logit(a, t, p),
        lambda y, a, t, w, p: w * counted_by_target(a, p),
    ),
    words=_LOGITS.words,
    torch=_LOGITS.torch,
)
BINARY_CROSS_ENTROPY_WITH_LOGITS = pointwise_loss(
    by_what_is_given(
        {
            (): _LOGITS,
            ("weight",): _WEIGHTED_LOGITS,
            ("pos_weight",): _COUNTED_LOGITS,
            ("weight", "pos_weight"): _BOTH,
        }
    ),
    bind)  # fmt: skip
