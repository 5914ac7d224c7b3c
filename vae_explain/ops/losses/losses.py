"""Losses by the formula of one element: squares, divergences, likelihoods and margins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import HALF, TWO, exp, log, square, summed
from ...symbolic.expression import ONE, ZERO, Expression, Number
from ...trace import Array
from ..binding import Refused, binder
from ..broadcasting import unbroadcast
from ..pointwise import choose, elementwise, number
from .elementwise_loss import OLD, pointwise_loss

# --- squared differences ----------------------------------------------------------------


def squares_vjp(
    upstream: Array, output: Array, a: Array, b: Array, reduction: str
) -> tuple[Array | None, ...]:
    difference = a - b
    gradient = upstream * 2 * difference
    if reduction == "mean":
        gradient = gradient / difference.size
    return unbroadcast(gradient, a.shape), unbroadcast(-gradient, b.shape)


_SQUARES = elementwise(
    "mse_loss",
    lambda a, b: square(a - b),
    bind=binder("input", "target", **OLD, reduction="mean", weight=Refused()),
    derivatives=(lambda y, a, b: TWO * (a - b), lambda y, a, b: TWO * (b - a)),
    words="squared differences",
    adds_up="positive",
)
# Divided last, which is the order of the reference figures.
MSE_LOSS = replace(pointwise_loss(_SQUARES, folded=True), vjp=squares_vjp, formula_broadcasts=False)

# --- the divergence of given probabilities from log-probabilities -----------------------


def safe_log(t: Array) -> Array:
    """The logarithm; 0 where a probability is 0, which then takes no part."""
    return np.log(np.where(t == 0, np.ones_like(t), t))


def divergence_vjp(g: Array, y: Array, x: Array, t: Array, log_target: bool) -> tuple[Array, Array]:
    if log_target:
        return -g * np.exp(t), g * np.exp(t) * (t - x + 1)
    # By a target of 0 PyTorch's own gradient is NaN, from its t/t.
    with np.errstate(invalid="ignore"):
        to_target = g * (safe_log(t) + t / t - x)
    return -g * t, to_target


def divergence(x: Expression, t: Expression, log_target: bool) -> Expression:
    if log_target:
        return exp(t) * (t - x)
    return choose(number(t) == 0, ZERO, t * (log(t) - x))


def by_target(y: Expression, x: Expression, t: Expression, log_target: bool) -> Expression:
    if log_target:
        return exp(t) * (t - x + ONE)
    return choose(number(t) == 0, t / t, log(t) + ONE - x)


def by_target_in_steps(y: Expression, x: Expression, t: Expression, log_target: bool) -> Expression:
    """Write the slope by each of its three ways back: that of 1 has t in it, and over it."""
    return by_target(y, x, t, log_target) if log_target else summed([log(t), t / t, -x])


KL_DIV = pointwise_loss(
    elementwise(
        "kl_div",
        divergence,
        bind=binder("input", "target", **OLD, reduction="mean", log_target=False),
        vjp=divergence_vjp,
        derivatives=(lambda y, x, t, log_target: -exp(t) if log_target else -t, by_target),
        computed=(None, by_target_in_steps),
        words="how far probabilities are from the targets",
    )
)

# --- a normal distribution whose variance is given --------------------------------------


def variance(v: Expression, eps: float) -> Expression:
    """The variance that is used: eps in place of one that is smaller."""
    return choose(number(v) < eps, Number(eps), v)


def gaussian(x: Expression, t: Expression, v: Expression, full: bool, eps: float) -> Expression:
    v = variance(v, eps)
    body = HALF * (log(v) + square(x - t) / v)
    return body + HALF * log(Number(2 * math.pi)) if full else body


def by_input(y: Expression, x: Expression, t: Expression, v: Expression, **at: Any) -> Expression:
    return (x - t) / variance(v, at["eps"])


def by_variance(
    y: Expression, x: Expression, t: Expression, v: Expression, **at: Any
) -> Expression:
    # PyTorch raises a small variance without its gradient knowing.
    v = variance(v, at["eps"])
    return HALF * (ONE / v - square((x - t) / v))


GAUSSIAN_NLL_LOSS = pointwise_loss(
    elementwise(
        "gaussian_nll_loss",
        gaussian,
        bind=binder("input", "target", "var", full=False, eps=1e-06, reduction="mean"),
        derivatives=(by_input, lambda y, x, t, v, **at: -by_input(y, x, t, v, **at), by_variance),
        piecewise=True,
        words="negative log-likelihood of a normal distribution",
    )
)

# --- counts -----------------------------------------------------------------------------


def poisson(x: Expression, t: Expression, log_input: bool, eps: float) -> Expression:
    return exp(x) - t * x if log_input else x - t * log(x + Number(eps))


POISSON_NLL_LOSS = pointwise_loss(
    elementwise(
        "poisson_nll_loss",
        poisson,
        bind=binder(
            *("input", "target"),
            log_input=True,
            full=Refused(False),
            size_average=OLD["size_average"],
            eps=1e-08,
            reduce=OLD["reduce"],
            reduction="mean",
        ),
        words="negative log-likelihood of a Poisson distribution",
    )
)

# --- how little a number leans to the side that it should -------------------------------

TARGET = 1


def _power(x: Expression, t: Expression) -> Expression:
    return exp(-(t * x))


SOFT_MARGIN_LOSS = pointwise_loss(
    elementwise(
        "soft_margin_loss",
        lambda x, t: log(ONE + _power(x, t)),
        bind=binder("input", "target", **OLD, reduction="mean"),
        forward=lambda x, t: np.log1p(np.exp(-t * x)),
        derivatives=(lambda y, x, t: -(t * _power(x, t)) / (ONE + _power(x, t)),),
        no_gradient=(TARGET,),
        words="how little each number leans to its side, 1 or -1",
    )
)
