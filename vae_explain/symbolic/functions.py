"""The functions of one number that an expression may apply, such as exp and tanh.

Each is total: where the function is not defined it gives NaN, and an overflow gives an
infinity, as they do in an array library.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from ..quick_classes import NamedTuple


class Function(NamedTuple):
    """What is known of a function of one number.

    `slope` bounds its derivative, needed only to bound the rounding error of a line.
    `within` is the size of the intermediates of the usual computation: a tail of the normal
    distribution is ½·(1 + erf(x/√2)), as exact as the 1 and not as the tail.
    """

    value: Callable[[float], float]
    slope: Callable[[float], float]
    latex: str
    within: float = 0.0
    inner: int = 0


def _sigmoid(x: float) -> float:
    # Two branches, since exp of a large positive number overflows.
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def _log(x: float) -> float:
    if x > 0:
        return math.log(x)
    return -math.inf if x == 0 else math.nan


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def _softplus(x: float) -> float:
    return x + math.log1p(math.exp(-x)) if x > 0 else math.log1p(math.exp(x))


def _wave(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: function(x) if math.isfinite(x) else math.nan


def _within(
    function: Callable[[float], float], low: float, high: float = math.inf
) -> Callable[[float], float]:
    """Return NaN outside of the domain of an inverse function."""
    return lambda x: function(x) if low <= x <= high else math.nan


def _atanh(x: float) -> float:
    return math.copysign(math.inf, x) if abs(x) == 1 else _within(math.atanh, -1, 1)(x)


def _sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf


def _steepest(square: Callable[[float], float]) -> Callable[[float], float]:
    """Return the slope of an inverse function that is one over the root of a square."""

    def slope(x: float) -> float:
        below = square(x)
        return 1 / math.sqrt(below) if below > 0 else math.inf

    return slope


def _whole(function: Callable[[float], int]) -> Callable[[float], float]:
    """Keep infinities, NaN and the sign of a zero, as an array library does."""
    return lambda x: math.copysign(function(x), x) if math.isfinite(x) else x


def _normal_density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _normal_below(x: float) -> float:
    # By erfc below zero, where 1 + erf would cancel.
    return math.erfc(-x / math.sqrt(2)) / 2


def _erfinv(x: float) -> float:
    """Return the inverse of the error function, by the quantiles of the normal distribution."""
    if not abs(x) < 1:
        return math.copysign(math.inf, x) if abs(x) == 1 else math.nan
    # In the left tail, where 1 + x loses no digits, then refined by Newton's method.
    from statistics import NormalDist  # which loads much, and is needed only here

    y = NormalDist().inv_cdf((1 - abs(x)) / 2) / -math.sqrt(2) if abs(x) > SMALL else abs(x)
    for _ in range(3):
        below = math.erfc(y) - (1 - abs(x)) if abs(x) > HALF else abs(x) - math.erf(y)
        y += below * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return math.copysign(y, x)


SMALL, HALF = 1e-8, 0.5


def _log_gamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # at its poles, and where it overflows
        return math.inf


# Bernoulli numbers over 2k: the asymptotic series of digamma.
_TAIL = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_LARGE = 8.0  # from here on the series is exact to the last digit


_FAR = 25.0  # from where on the series gives all digits
_ODD_PRODUCTS = [math.prod(range(1, 2 * k, 2)) for k in range(8)]  # (2k - 1)!!


def erfcx(x: float) -> float:
    """Return exp(x²)·erfc(x), for a large x by its series (Abramowitz and Stegun, 7.1.23)."""
    if x > _FAR:
        terms = (odd / (-2 * x * x) ** k for k, odd in enumerate(_ODD_PRODUCTS))
        return math.fsum(terms) / (x * math.sqrt(math.pi))
    # exp makes a large error of the small one of a square, so that the square comes in two parts.
    square = x * x
    left_over = float(Fraction(x) ** 2 - Fraction(square)) if math.isfinite(square) else 0.0
    return _exp(square) * (1 + left_over) * math.erfc(x)


def digamma(x: float) -> float:
    """Return the derivative of log Γ (Abramowitz and Stegun, 6.3.5, 6.3.7 and 6.3.18)."""
    if not math.isfinite(x):
        return x if x > 0 else math.nan
    if x <= 0:
        if x == int(x):
            return math.copysign(math.inf, -x) if x == 0 else math.nan
        return digamma(1 - x) - math.pi / math.tan(math.pi * x)
    below = 0.0
    while x < _LARGE:
        below += 1 / x
        x += 1
    tail = sum(share * x ** (-2 * k) for k, share in enumerate(_TAIL, start=1))
    return math.log(x) - 0.5 / x - tail - below


def trigamma(x: float) -> float:
    """Return the derivative of digamma (Abramowitz and Stegun, 6.4.6, 6.4.7 and 6.4.12).

    The series is cut where PyTorch cuts it, which leaves an error of some 1e-9.
    """
    if not math.isfinite(x):
        return 0.0 if x > 0 else math.nan
    if x < 0.5:
        if x == int(x):
            return math.inf
        pole = math.pi / math.sin(math.pi * x)
        return pole * pole - trigamma(1 - x)  # not pole**2, which raises where it overflows
    below = 0.0
    for _ in range(6):
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    tail = 1 + 1 / (2 * x) + square * (1 / 6 - square * (1 / 30 - square / 42))
    return below + tail / x


def _trigamma_slope(x: float) -> float:
    """Return a bound of trigamma's derivative, from its nearest pole and from its tail."""
    if not math.isfinite(x):
        return 0.0
    size = x if x > 0 else abs(x - round(x))
    return 3 / size**3 + 3 / size**2 if not size < 1e-100 else math.inf


FUNCTIONS: dict[str, Function] = {
    "exp": Function(_exp, _exp, r"\exp\left({}\right)"),
    "log": Function(_log, lambda x: 1 / x if x else math.inf, r"\log\left({}\right)"),
    "sqrt": Function(_sqrt, lambda x: 0.5 / _sqrt(x) if x > 0 else 0.0, r"\sqrt{{{}}}"),
    # Its slope is 1 on both sides of 0, since rounding may open a gate that is barely closed.
    "relu": Function(lambda x: 0.0 if x < 0 else x, lambda _: 1.0, r"\max\left(0, {}\right)"),
    "sigmoid": Function(
        _sigmoid, lambda x: _sigmoid(x) * _sigmoid(-x), r"\operatorname{{sigmoid}}\left({}\right)"
    ),
    "tanh": Function(math.tanh, lambda x: 1 - math.tanh(x) ** 2, r"\tanh\left({}\right)"),
    # The gate of a ReLU, an Iverson bracket: 1 where its input is positive, else 0. A NaN
    # goes through a ReLU, and so does its gradient.
    "gate": Function(lambda x: float(not x <= 0), lambda _: 0.0, r"\left[{} > 0\right]"),
    # Whether a class is the one that is asked for: 1 where their difference is 0, else 0.
    "is_zero": Function(
        lambda x: float(x == 0), lambda _: 0.0, r"\operatorname{{is\_zero}}\left({}\right)"
    ),
    "softplus": Function(_softplus, _sigmoid, r"\operatorname{{softplus}}\left({}\right)"),
    "abs": Function(abs, lambda _: 1.0, r"\left|{}\right|"),
    # Of a NaN it is 0, as PyTorch has it.
    "sign": Function(
        lambda x: float((x > 0) - (x < 0)), lambda _: 0.0, r"\operatorname{{sign}}\left({}\right)"
    ),
    # Rounding may move a number past a half: a slope of 1 allows for the step.
    "round": Function(_whole(round), lambda _: 1.0, r"\operatorname{{round}}\left({}\right)"),
    "floor": Function(_whole(math.floor), lambda _: 1.0, r"\left\lfloor {} \right\rfloor"),
    "trunc": Function(_whole(math.trunc), lambda _: 1.0, r"\operatorname{{trunc}}\left({}\right)"),
    "ceil": Function(_whole(math.ceil), lambda _: 1.0, r"\left\lceil {} \right\rceil"),
    "sin": Function(_wave(math.sin), _wave(math.cos), r"\sin\left({}\right)"),
    "cos": Function(_wave(math.cos), _wave(math.sin), r"\cos\left({}\right)"),
    "tan": Function(_wave(math.tan), lambda x: 1 + _wave(math.tan)(x) ** 2, r"\tan\left({}\right)"),
    "asin": Function(
        _within(math.asin, -1, 1), _steepest(lambda x: 1 - x * x), r"\arcsin\left({}\right)"
    ),
    "acos": Function(
        _within(math.acos, -1, 1), _steepest(lambda x: 1 - x * x), r"\arccos\left({}\right)"
    ),
    "atan": Function(math.atan, lambda x: 1 / (1 + x * x), r"\arctan\left({}\right)"),
    "sinh": Function(_sinh, _cosh, r"\sinh\left({}\right)"),
    "cosh": Function(_cosh, _sinh, r"\cosh\left({}\right)"),
    "asinh": Function(
        math.asinh, _steepest(lambda x: 1 + x * x), r"\operatorname{{arsinh}}\left({}\right)"
    ),
    "acosh": Function(
        _within(math.acosh, 1),
        _steepest(lambda x: x * x - 1),
        r"\operatorname{{arcosh}}\left({}\right)",
    ),
    "atanh": Function(
        _atanh,
        lambda x: 1 / (1 - x * x) if abs(x) < 1 else math.inf,
        r"\operatorname{{artanh}}\left({}\right)",
    ),
    # The logarithm of the gamma function and its derivatives.
    "lgamma": Function(_log_gamma, digamma, r"\log\Gamma\left({}\right)", within=1.0),
    "digamma": Function(digamma, trigamma, r"\psi\left({}\right)", within=1.0),
    "trigamma": Function(trigamma, _trigamma_slope, r"\psi_1\left({}\right)", within=1.0, inner=4),
    "erfinv": Function(
        _erfinv,
        lambda x: math.sqrt(math.pi) / 2 * math.exp(_erfinv(x) ** 2) if abs(x) < 1 else math.inf,
        r"\operatorname{{erf}}^{{-1}}\left({}\right)",
    ),
    "erfcx": Function(
        erfcx,
        lambda x: abs(2 * x * erfcx(x)) + 2 / math.sqrt(math.pi),
        r"\operatorname{{erfcx}}\left({}\right)",
    ),
    # The standard normal distribution: how much of it lies below a number, and its density.
    "Φ": Function(_normal_below, _normal_density, r"\Phi\left({}\right)", within=1.0),
    "φ": Function(
        _normal_density,
        lambda x: abs(x) * _normal_density(x),
        r"\varphi\left({}\right)",
        inner=2,
    ),
}
