"""`kl_div`: the Kullback-Leibler divergence of given probabilities from log-probabilities."""

from __future__ import annotations

import numpy as np

from ...symbolic.build import exp, log
from ...symbolic.expression import ONE, ZERO, Expression
from ...trace import Array
from ..binding import binder
from ..pointwise import choose, elementwise, number
from .elementwise_loss import OLD, pointwise_loss


def safe_log(t: Array) -> Array:
    """The logarithm; 0 where a probability is 0, which then takes no part."""
    return np.log(np.where(t == 0, np.ones_like(t), t))


def vjp(g: Array, y: Array, x: Array, t: Array, log_target: bool) -> tuple[Array, Array]:
    if log_target:
        return -g * np.exp(t), g * np.exp(t) * (t - x + 1)
    # By a target of 0 PyTorch's own gradient is NaN, from its t/t.
    with np.errstate(invalid="ignore"):
        to_target = g * (safe_log(t) + t / t - x)
    return -g * t, to_target


def expression(x: Expression, t: Expression, log_target: bool) -> Expression:
    if log_target:
        return exp(t) * (t - x)
    return choose(number(t) == 0, ZERO, t * (log(t) - x))


def by_target(y: Expression, x: Expression, t: Expression, log_target: bool) -> Expression:
    if log_target:
        return exp(t) * (t - x + ONE)
    return choose(number(t) == 0, t / t, log(t) + ONE - x)


KL_DIV = pointwise_loss(
    elementwise(
        "kl_div",
        expression,
        settings={"log_target": False},
        bind=binder("input", "target", **OLD, reduction="mean", log_target=False),
        vjp=vjp,
        derivatives=(lambda y, x, t, log_target: -exp(t) if log_target else -t, by_target),
        words="how far probabilities are from the targets",
    )
)
