"""Logarithms and powers to other bases, log-odds, and the logarithm of a sum of exponentials.

What is written of such sums leaves no exponential out of the range.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ...symbolic.build import TWO, exp, log, sigmoid
from ...symbolic.expression import (
    ONE,
    ZERO,
    Add,
    Expression,
    Number,
)
from ...symbolic.measure import evaluate
from ...trace import Array
from ..binding import binder
from ..pointwise import choose, elementwise, number, one_number
from ..rule import Call, Rule

# Numbers whose exponential would leave what a float64 can hold are moved before it is taken.
FARTHEST = 600.0


def shift_of(terms: Sequence[Expression]) -> Number | None:
    """Return what to take off before exp; None where no exponential leaves the range."""
    largest = max(map(evaluate, terms))
    return Number(largest) if abs(largest) > FARTHEST else None


def shifted(body: Expression, shift: Number | None) -> Expression:
    return body if shift is None else body - shift


def log_total(terms: Sequence[Expression]) -> Expression:
    """Write the logarithm of a sum of exponentials."""
    shift = shift_of(terms)
    total = log(Add(tuple(exp(shifted(term, shift)) for term in terms)))
    return total if shift is None else shift + total


def log_share(call: Call, own: Expression, terms: Sequence[Expression]) -> Expression:
    """Write the logarithm of an exponential's share of a sum of them."""
    if not call.as_computed:
        return own - log_total(terms)
    # PyTorch takes off the largest first, and rounds.
    top = Number(max(map(evaluate, terms)))
    return own - top - log(Add(tuple(exp(term - top) for term in terms)))


# --- to other bases ---------------------------------------------------------------------


def _logarithm(name: str, base: int) -> Rule:
    return elementwise(
        name, lambda a: log(a) / log(Number(float(base))), words=f"logarithm to the base {base}"
    )


LOG2 = _logarithm("log2", 2)
LOG10 = _logarithm("log10", 10)

EXP2 = elementwise(
    "exp2",
    lambda a: TWO**a,
    forward=lambda a: np.exp(a * math.log(2)),
    vjp=lambda g, y, a: (g * y * math.log(2),),
    words="power of 2",
)

# --- log-odds ---------------------------------------------------------------------------


def _logit_piece(a: Expression, eps: float | None) -> Expression:
    if eps is not None:
        value = number(a)
        above = choose(value > 1 - eps, Number(1 - eps), a)
        a = choose(value < eps, Number(eps), above)
    return log(a / (ONE - a))


def _logit_slope(y: Expression, a: Expression, eps: float | None) -> Expression:
    free = ONE / (a * (ONE - a))
    if eps is None:
        return free
    return choose((number(a) < eps) | (number(a) > 1 - eps), ZERO, free)


LOGIT = elementwise(
    "logit",
    _logit_piece,
    settings={"eps": None},
    derivatives=(_logit_slope,),
    words="logarithm of the odds",
)

# --- of two numbers ---------------------------------------------------------------------


def _logaddexp(a: Array, b: Array) -> Array:
    top = np.where(np.real(a) > np.real(b), a, b)
    low = np.where(np.real(a) > np.real(b), b, a)
    return np.asarray(top + np.log1p(np.exp(low - top)))


def _logaddexp_line(a: Expression, b: Expression) -> Expression:
    if math.isnan(one_number(a) + one_number(b)):  # whole tensors
        return log(Add((exp(a), exp(b))))
    return log_total([a, b])


def _leaves_the_range(a: Array, b: Array) -> bool:
    return bool((np.abs(np.maximum(a, b)) > FARTHEST).any())


LOGADDEXP = elementwise(
    "logaddexp",
    _logaddexp_line,
    bind=binder("input", "other"),
    forward=_logaddexp,
    derivatives=(lambda y, a, b: sigmoid(a - b), lambda y, a, b: sigmoid(b - a)),
    piecewise=_leaves_the_range,
    words="logarithm of the sum of two exponentials",
)


def _sum_of_powers(a: Expression, b: Expression) -> Expression:
    scale = log(TWO)
    if math.isnan(one_number(a) + one_number(b)):  # whole tensors
        return log(Add((TWO**a, TWO**b))) / scale
    return log_total([a * scale, b * scale]) / scale


LOGADDEXP2 = elementwise(
    "logaddexp2",
    _sum_of_powers,
    bind=binder("input", "other"),
    forward=lambda a, b: _logaddexp(a * math.log(2), b * math.log(2)) / math.log(2),
    derivatives=(
        lambda y, a, b: sigmoid((a - b) * log(TWO)),
        lambda y, a, b: sigmoid((b - a) * log(TWO)),
    ),
    piecewise=_leaves_the_range,
    words="logarithm to the base 2 of the sum of two powers of 2",
)


XLOGY = elementwise(
    "xlogy",
    lambda a, b: choose((number(a) == 0) & (number(b) == number(b)), ZERO, a * log(b)),
    bind=binder("input", "other"),
    derivatives=(
        lambda y, a, b: choose((number(a) == 0) & (number(b) <= 0), ZERO, log(b)),
        lambda y, a, b: a / b,
    ),
    piecewise=False,
    words="each number times the logarithm of another",
)


def _entropy_line(a: Expression) -> Expression:
    # Nothing times the logarithm of nothing is nothing.
    inside = choose(number(a) < 0, Number(-math.inf), -(a * log(a)))
    return choose(number(a) == 0, ZERO, inside)


ENTR = elementwise(
    "special_entr",
    _entropy_line,
    derivatives=(lambda y, a: -log(a) - ONE,),
    words="what a probability adds to an entropy, -p·log(p)",
)
