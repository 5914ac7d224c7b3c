"""`kl_div`: the Kullback-Leibler divergence of given probabilities from log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Apply, Expression
from ...trace import Array
from ..rule import Bound, elementwise, number
from .elementwise_loss import bind_nothing, plain, pointwise_loss


def bind(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Bound:
    plain(size_average=size_average, reduce=reduce)
    return (input, target), {"reduction": reduction, "log_target": log_target}


def exp(body: Expression) -> Expression:
    return Apply("exp", (body,))


def log(body: Expression) -> Expression:
    return Apply("log", (body,))


def safe_log(t: Array) -> Array:
    """The logarithm; 0 where a probability is 0, which then takes no part."""
    return np.log(np.where(t == 0, np.ones_like(t), t))


def forward(x: Array, t: Array, log_target: bool) -> Array:
    return np.asarray(np.exp(t) * (t - x) if log_target else t * (safe_log(t) - x))


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
    return ZERO if number(t) == 0 else t * (log(t) - x)


def by_target(y: Expression, x: Expression, t: Expression, log_target: bool) -> Expression:
    if log_target:
        return exp(t) * (t - x + ONE)
    return t / t if number(t) == 0 else log(t) + ONE - x


KL_DIV = pointwise_loss(
    elementwise(
        "kl_div",
        bind=bind_nothing,
        forward=forward,
        vjp=vjp,
        expression=expression,
        derivatives=(
            lambda y, x, t, log_target: -exp(t) if log_target else -t,
            by_target,
        ),
        words="how far probabilities are from the targets",
        torch="torch.nn.functional.kl_div",
        piecewise=lambda x, t, log_target: not log_target and bool((t == 0).any()),
        usual={"log_target": False},
    ),
    bind,
)
