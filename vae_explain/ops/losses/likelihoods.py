"""Losses that are negative log-likelihoods: `gaussian_nll_loss` and `poisson_nll_loss`."""

from __future__ import annotations

import math
from typing import Any

from ...symbolic.build import HALF, exp, log, square
from ...symbolic.expression import ONE, Expression, Number
from ..binding import Refused, binder
from ..pointwise import choose, elementwise, number
from .elementwise_loss import OLD, pointwise_loss

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
        settings={"full": False, "eps": 1e-06},
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
