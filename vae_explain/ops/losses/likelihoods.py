"""Losses that are negative log-likelihoods: `gaussian_nll_loss` and `poisson_nll_loss`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Number, evaluate
from ...trace import Array
from ..rule import Bound, elementwise
from .elementwise_loss import bind_nothing, plain, pointwise_loss

HALF, TWO = Number(0.5), Number(2.0)


def log(body: Expression) -> Expression:
    return Apply("log", (body,))


# --- a normal distribution whose variance is given --------------------------------------


def bind_gaussian(
    input: Any,
    target: Any,
    var: Any,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Bound:
    return (input, target, var), {"full": full, "eps": eps, "reduction": reduction}


def floored(v: Array, eps: float) -> Array:
    return np.where(v < eps, np.full_like(v, eps), v)


def gaussian(x: Array, t: Array, v: Array, full: bool, eps: float) -> Array:
    v = floored(v, eps)
    found = 0.5 * (np.log(v) + (x - t) ** 2 / v)
    return np.asarray(found + 0.5 * math.log(2 * math.pi) if full else found)


def gaussian_vjp(
    g: Array, y: Array, x: Array, t: Array, v: Array, full: bool, eps: float
) -> tuple[Array, Array, Array]:
    v = floored(v, eps)
    apart = (x - t) / v
    # PyTorch raises a small variance without its gradient knowing.
    return g * apart, -g * apart, g * 0.5 * (1 / v - apart * apart)


def variance(v: Expression, eps: float) -> Expression:
    """The variance that is used: eps in place of one that is smaller."""
    return Number(eps) if evaluate(v) < eps else v


def gaussian_element(
    x: Expression, t: Expression, v: Expression, full: bool, eps: float
) -> Expression:
    v = variance(v, eps)
    found = HALF * (log(v) + (x - t) ** TWO / v)
    return found + HALF * log(Number(2 * math.pi)) if full else found


def by_input(
    y: Expression, x: Expression, t: Expression, v: Expression, full: bool, eps: float
) -> Expression:
    return (x - t) / variance(v, eps)


def by_variance(
    y: Expression, x: Expression, t: Expression, v: Expression, full: bool, eps: float
) -> Expression:
    v = variance(v, eps)
    return HALF * (ONE / v - ((x - t) / v) ** TWO)


GAUSSIAN_NLL_LOSS = pointwise_loss(
    elementwise(
        "gaussian_nll_loss",
        bind=bind_nothing,
        forward=gaussian,
        vjp=gaussian_vjp,
        expression=gaussian_element,
        derivatives=(by_input, lambda y, x, t, v, **at: -by_input(y, x, t, v, **at), by_variance),
        words="negative log-likelihood of a normal distribution",
        torch="torch.nn.functional.gaussian_nll_loss",
        piecewise=True,
        usual={"full": False, "eps": 1e-06},
    ),
    bind_gaussian,
)

# --- counts -----------------------------------------------------------------------------


def bind_poisson(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-08,
    reduce: Any = None,
    reduction: str = "mean",
) -> Bound:
    plain(size_average=size_average, reduce=reduce, full=full or None)
    return (input, target), {"log_input": log_input, "eps": eps, "reduction": reduction}


def poisson(x: Array, t: Array, log_input: bool, eps: float) -> Array:
    return np.asarray(np.exp(x) - t * x if log_input else x - t * np.log(x + eps))


def poisson_vjp(
    g: Array, y: Array, x: Array, t: Array, log_input: bool, eps: float
) -> tuple[Array, Array]:
    if log_input:
        return g * (np.exp(x) - t), -g * x
    return g * (1 - t / (x + eps)), -g * np.log(x + eps)


def poisson_element(x: Expression, t: Expression, log_input: bool, eps: float) -> Expression:
    if log_input:
        return Apply("exp", (x,)) - t * x
    return x - t * log(x + Number(eps))


def by_rate(y: Expression, x: Expression, t: Expression, log_input: bool, eps: float) -> Expression:
    return Apply("exp", (x,)) - t if log_input else ONE - t / (x + Number(eps))


def by_count(
    y: Expression, x: Expression, t: Expression, log_input: bool, eps: float
) -> Expression:
    return -x if log_input else -log(x + Number(eps))


POISSON_NLL_LOSS = pointwise_loss(
    elementwise(
        "poisson_nll_loss",
        bind=bind_nothing,
        forward=poisson,
        vjp=poisson_vjp,
        expression=poisson_element,
        derivatives=(by_rate, by_count),
        words="negative log-likelihood of a Poisson distribution",
        torch="torch.nn.functional.poisson_nll_loss",
    ),
    bind_poisson,
)
