"""Logarithms and powers to other bases, and log-odds: `log2`, `log10`, `exp2`, `logit`, …"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Add, Apply, Expression, Number
from ...trace import Array
from ..rule import Bound, Rule, elementwise, number
from .exponentials import FARTHEST, log_total
from .sigmoid import sigmoid

TWO = Number(2.0)


def bind(input: Any) -> Bound:
    return (input,), {}


def _log(a: Expression) -> Expression:
    return Apply("log", (a,))


def _logarithm(name: str, base: int) -> Rule:
    scale = math.log(base)
    return elementwise(
        name,
        bind=bind,
        forward=lambda a: np.log(a) / scale,
        vjp=lambda g, y, a: (g / (a * scale),),
        expression=lambda a: _log(a) / _log(Number(float(base))),
        derivatives=(lambda y, a: ONE / (a * _log(Number(float(base)))),),
        words=f"logarithm to the base {base}",
        torch=f"torch.{name}",
    )


LOG2 = _logarithm("log2", 2)
LOG10 = _logarithm("log10", 10)

EXP2 = elementwise(
    "exp2",
    bind=bind,
    forward=lambda a: np.exp(a * math.log(2)),
    vjp=lambda g, y, a: (g * y * math.log(2),),
    expression=lambda a: Number(2.0) ** a,
    derivatives=(lambda y, a: Number(2.0) ** a * _log(Number(2.0)),),
    words="power of 2",
    torch="torch.exp2",
)

# --- log-odds ---------------------------------------------------------------------------


def _held(a: Array, eps: float | None) -> Array:
    if eps is None:
        return a
    real = np.real(a)
    low, high = np.full_like(a, eps), np.full_like(a, 1 - eps)
    return np.where(real < eps, low, np.where(real > 1 - eps, high, a))


def _is_held(a: Any, eps: float | None) -> Any:
    return (a < eps) | (a > 1 - eps) if eps is not None else a != a


def _logit_vjp(g: Array, y: Array, a: Array, eps: float | None) -> tuple[Array]:
    inside = _held(a, eps)
    return (np.where(_is_held(a, eps), np.zeros_like(g), g / (inside * (1 - inside))),)


def _logit_piece(a: Expression, eps: float | None) -> Expression:
    if eps is not None and _is_held(number(a), eps):
        a = Number(eps if number(a) < eps else 1 - eps)
    return _log(a / (ONE - a))


def _logit_slope(y: Expression, a: Expression, eps: float | None) -> Expression:
    if eps is not None and _is_held(number(a), eps):
        return ZERO
    return ONE / (a * (ONE - a))


LOGIT = elementwise(
    "logit",
    bind=lambda input, eps=None: ((input,), {"eps": eps}),
    forward=lambda a, eps: np.log(_held(a, eps) / (1 - _held(a, eps))),
    vjp=_logit_vjp,
    expression=_logit_piece,
    derivatives=(_logit_slope,),
    words="logarithm of the odds",
    torch="torch.logit",
    piecewise=lambda a, eps: bool(np.any(_is_held(a, eps))),
)

# --- of two numbers ---------------------------------------------------------------------


def _logaddexp(a: Array, b: Array) -> Array:
    top = np.where(np.real(a) > np.real(b), a, b)
    low = np.where(np.real(a) > np.real(b), b, a)
    return np.asarray(top + np.log1p(np.exp(low - top)))


def _logaddexp_line(a: Expression, b: Expression) -> Expression:
    if math.isnan(number(a) + number(b)):  # whole tensors
        return _log(Add((Apply("exp", (a,)), Apply("exp", (b,)))))
    return log_total([a, b])


def _leaves_the_range(a: Array, b: Array) -> bool:
    return bool((np.abs(np.maximum(a, b)) > FARTHEST).any())


LOGADDEXP = elementwise(
    "logaddexp",
    bind=lambda input, other: ((input, other), {}),
    forward=_logaddexp,
    vjp=lambda g, y, a, b: (g * sigmoid(a - b), g * sigmoid(b - a)),
    expression=_logaddexp_line,
    derivatives=(
        lambda y, a, b: Apply("sigmoid", (a - b,)),
        lambda y, a, b: Apply("sigmoid", (b - a,)),
    ),
    words="logarithm of the sum of two exponentials",
    torch="torch.logaddexp",
    piecewise=_leaves_the_range,
)


def _sum_of_powers(a: Expression, b: Expression) -> Expression:
    scale = _log(TWO)
    if math.isnan(number(a) + number(b)):  # whole tensors
        return _log(Add((TWO**a, TWO**b))) / scale
    return log_total([a * scale, b * scale]) / scale


LOGADDEXP2 = elementwise(
    "logaddexp2",
    bind=lambda input, other: ((input, other), {}),
    forward=lambda a, b: _logaddexp(a * math.log(2), b * math.log(2)) / math.log(2),
    vjp=lambda g, y, a, b: (
        g * sigmoid((a - b) * math.log(2)),
        g * sigmoid((b - a) * math.log(2)),
    ),
    expression=_sum_of_powers,
    derivatives=(
        lambda y, a, b: Apply("sigmoid", ((a - b) * _log(TWO),)),
        lambda y, a, b: Apply("sigmoid", ((b - a) * _log(TWO),)),
    ),
    words="logarithm to the base 2 of the sum of two powers of 2",
    torch="torch.logaddexp2",
    piecewise=_leaves_the_range,
)


def _xlogy(a: Array, b: Array) -> Array:
    # Nothing times the logarithm of nothing is nothing.
    none = (a == 0) & ~np.isnan(b)
    return np.asarray(np.where(none, np.zeros_like(a * b), a * np.log(np.where(none, 1, b))))


def _xlogy_line(a: Expression, b: Expression) -> Expression:
    return ZERO if number(a) == 0 and number(b) >= 0 else a * _log(b)


XLOGY = elementwise(
    "xlogy",
    bind=lambda input, other: ((input, other), {}),
    forward=_xlogy,
    vjp=lambda g, y, a, b: (
        np.where((a == 0) & (b <= 0), np.zeros_like(g), g * np.log(np.where(b > 0, b, 1))),
        g * a / b,
    ),
    expression=_xlogy_line,
    derivatives=(lambda y, a, b: _log(b), lambda y, a, b: a / b),
    words="each number times the logarithm of another",
    torch="torch.xlogy",
)


def _entropy(a: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = -a * np.log(a)
    at_zero = np.where(np.real(a) < 0, np.full_like(found, -np.inf), np.zeros_like(found))
    return np.asarray(np.where(np.real(a) <= 0, at_zero, found))


def _entropy_line(a: Expression) -> Expression:
    value = number(a)
    if value <= 0:
        return Number(0.0 if value == 0 else -math.inf)
    return -(a * _log(a))


ENTR = elementwise(
    "special_entr",
    bind=bind,
    forward=_entropy,
    vjp=lambda g, y, a: (g * (-np.log(a) - 1),),
    expression=_entropy_line,
    derivatives=(lambda y, a: -_log(a) - ONE,),
    words="what a probability adds to an entropy, -p·log(p)",
    torch="torch.special.entr",
    piecewise=lambda a: bool(np.any(a <= 0)),
)
