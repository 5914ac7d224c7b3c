"""`binary_cross_entropy`, with probabilities or with logits, each with or without weights.

`weight` is a factor of each element's loss, and `pos_weight`, with logits alone, one of what
its target says for a one. PyTorch has no gradient at either.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.build import log, softplus
from ...symbolic.expression import ONE, Expression, Number
from ...trace import Array
from ..array_functions import softplus as softplus_of
from ..binding import OPTIONAL, binder
from ..pointwise import choose, elementwise, number
from ..rule import Rule
from .elementwise_loss import OLD, by_what_is_given, pointwise_loss

# PyTorch lets no logarithm go below this, and no product p·(1 - p) below that: 1e-12, as
# the float32 that it is written as.
LOWEST_LOG, LOWEST_PRODUCT = -100.0, 9.999999960041972e-13
SMALLEST = math.exp(LOWEST_LOG)
WEIGHT, COUNT = "weight", "pos_weight"

bind = binder(
    *("input", "target"),
    weight=OPTIONAL,
    **OLD,
    reduction="mean",
    pos_weight=OPTIONAL,
    tensors=True,
)


def losses(
    name: str,
    expression: Callable[..., Any],
    *,
    weight: bool,
    forward: Callable[..., Any] | None = None,
    derivatives: tuple[Callable[..., Any], ...] = (),
    steps: Callable[..., Any] | None = None,
    **fields: Any,
) -> Rule:
    """Make the rule for each element, or for each times its weight, the third operand."""

    def times(function: Callable[..., Any], before: int) -> Callable[..., Any]:
        return lambda *each: each[before] * function(*each[:before], *each[before + 1 :])

    if weight:
        expression = times(expression, 2)
        forward = forward and times(forward, 2)
        steps = steps and times(steps, 2)
        derivatives = tuple(times(slope, 3) for slope in derivatives)
    return elementwise(
        name,
        expression,
        bind=bind,
        forward=forward,
        derivatives=derivatives,
        steps=steps,
        no_gradient=(2, 3),
        **fields,
    )


# --- probabilities ----------------------------------------------------------------------


def log_of(p: Expression) -> Expression:
    return choose(number(p) < SMALLEST, Number(LOWEST_LOG), log(p))


def by_probability(y: Expression, p: Expression, t: Expression) -> Expression:
    product = p * (ONE - p)
    lowest = Number(LOWEST_PRODUCT)
    return (p - t) / choose(number(product) < LOWEST_PRODUCT, lowest, product)


def probabilities(weight: bool) -> Rule:
    return losses(
        "binary_cross_entropy",
        lambda p, t: -(t * log_of(p) + (ONE - t) * log_of(ONE - p)),
        weight=weight,
        derivatives=(by_probability, lambda y, p, t: log(ONE - p) - log(p)),
        words="how surprising the targets are under these probabilities",
        adds_up="positive",
    )


BINARY_CROSS_ENTROPY = pointwise_loss(
    by_what_is_given({(): probabilities(False), (WEIGHT,): probabilities(True)})
)

# --- logits -----------------------------------------------------------------------------


def counted(a: Array, t: Array, count: Array) -> Array:
    """The loss of each element where a target of 1 counts so often."""
    return np.asarray((1 - t) * a + (1 + (count - 1) * t) * softplus_of(-a))


def logits(weight: bool) -> Rule:
    return losses(
        "binary_cross_entropy_with_logits",
        lambda a, t: softplus(a) - t * a,
        weight=weight,
        forward=lambda a, t: (1 - t) * a + softplus_of(-a),
        steps=lambda a, t: (ONE - t) * a + softplus(-a),
        words="how surprising the targets are under these logits",
    )


def counted_logits(weight: bool) -> Rule:
    return losses(
        "binary_cross_entropy_with_logits",
        lambda a, t, p: p * t * softplus(-a) + (ONE - t) * softplus(a),
        weight=weight,
        forward=counted,
        steps=lambda a, t, p: (ONE - t) * a + (ONE + (p - ONE) * t) * softplus(-a),
        words="how surprising the targets are under these logits",
    )


BINARY_CROSS_ENTROPY_WITH_LOGITS = pointwise_loss(
    by_what_is_given(
        {
            (): logits(False),
            (WEIGHT,): logits(True),
            (COUNT,): counted_logits(False),
            (WEIGHT, COUNT): counted_logits(True),
        }
    )
)
