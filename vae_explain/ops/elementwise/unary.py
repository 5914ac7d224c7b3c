"""Functions of one number, from `abs` to `erf`, and those that round it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import FUNCTIONS, ONE, ZERO, Apply, Expression, Number
from ...trace import Array
from ..rule import Bound, Rule, elementwise, number

TWO, THREE = Number(2.0), Number(3.0)


def bind(input: Any) -> Bound:
    return (input,), {}


def sign(a: Array) -> Array:
    """-1, 0 or 1; of a NaN it is 0, as in PyTorch."""
    return np.where(np.isnan(a), np.zeros_like(a), np.sign(a))


ABS = elementwise(
    "abs",
    bind=bind,
    forward=np.abs,
    # At exactly 0 PyTorch passes nothing.
    vjp=lambda g, y, a: (g * sign(a),),
    expression=lambda a: Apply("abs", (a,)),
    derivatives=(lambda y, a: Apply("sign", (a,)),),
    words="absolute value",
    torch="torch.abs",
)

SIGN = elementwise(
    "sign",
    bind=bind,
    forward=sign,
    vjp=lambda g, y, a: (np.zeros_like(g),),
    expression=lambda a: Apply("sign", (a,)),
    derivatives=(lambda y, a: ZERO,),
    words="sign",
    torch="torch.sign",
)

LOG1P = elementwise(
    "log1p",
    bind=bind,
    forward=np.log1p,
    vjp=lambda g, y, a: (g / (1 + a),),
    expression=lambda a: Apply("log", (ONE + a,)),
    derivatives=(lambda y, a: ONE / (ONE + a),),
    words="natural logarithm of one more",
    torch="torch.log1p",
)

EXPM1 = elementwise(
    "expm1",
    bind=bind,
    forward=np.expm1,
    vjp=lambda g, y, a: (g * (y + 1),),
    expression=lambda a: Apply("exp", (a,)) - ONE,
    derivatives=(lambda y, a: Apply("exp", (a,)),),
    words="exponential, less one",
    torch="torch.expm1",
)

RECIPROCAL = elementwise(
    "reciprocal",
    bind=bind,
    forward=lambda a: 1 / a,
    vjp=lambda g, y, a: (-g * y * y,),
    expression=lambda a: ONE / a,
    derivatives=(lambda y, a: -ONE / a**TWO,),
    words="one divided by each number",
    torch="torch.reciprocal",
)

RSQRT = elementwise(
    "rsqrt",
    bind=bind,
    forward=lambda a: 1 / np.sqrt(a),
    vjp=lambda g, y, a: (-0.5 * g * y * y * y,),
    expression=lambda a: ONE / Apply("sqrt", (a,)),
    derivatives=(lambda y, a: Number(-0.5) / Apply("sqrt", (a,)) ** THREE,),
    words="one divided by the square root",
    torch="torch.rsqrt",
)

SIN = elementwise(
    "sin",
    bind=bind,
    forward=np.sin,
    vjp=lambda g, y, a: (g * np.cos(a),),
    expression=lambda a: Apply("sin", (a,)),
    derivatives=(lambda y, a: Apply("cos", (a,)),),
    words="sine",
    torch="torch.sin",
)

COS = elementwise(
    "cos",
    bind=bind,
    forward=np.cos,
    vjp=lambda g, y, a: (-g * np.sin(a),),
    expression=lambda a: Apply("cos", (a,)),
    derivatives=(lambda y, a: -Apply("sin", (a,)),),
    words="cosine",
    torch="torch.cos",
)


def over(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """Apply a function of one number to each of an array, in the array's precision."""
    each = np.vectorize(function, otypes=[float])
    return lambda a: np.asarray(each(a)).astype(a.dtype) if np.size(a) else np.zeros_like(a)


# --- the error function -----------------------------------------------------------------

_erf = np.vectorize(math.erf, otypes=[float])


def erf(a: Array) -> Array:
    """The error function; NumPy has none of its own."""
    return np.asarray(_erf(a)).astype(a.dtype) if np.size(a) else np.zeros_like(a)


ERF = elementwise(
    "erf",
    bind=bind,
    forward=erf,
    vjp=lambda g, y, a: (g * (2 / math.sqrt(math.pi)) * np.exp(-a * a),),
    # By the normal distribution, as GELU is written too.
    expression=lambda a: TWO * Apply("Φ", (Number(math.sqrt(2)) * a,)) - ONE,
    derivatives=(lambda y, a: Number(2 / math.sqrt(math.pi)) * Apply("exp", (-(a**TWO),)),),
    words="error function",
    torch="torch.erf",
)

ERFC = elementwise(
    "erfc",
    bind=bind,
    forward=over(math.erfc),
    vjp=lambda g, y, a: (-g * (2 / math.sqrt(math.pi)) * np.exp(-a * a),),
    expression=lambda a: TWO * Apply("Φ", (Number(-math.sqrt(2)) * a,)),
    derivatives=(lambda y, a: Number(-2 / math.sqrt(math.pi)) * Apply("exp", (-(a**TWO),)),),
    words="one less the error function",
    torch="torch.erfc",
)

NDTR = elementwise(
    "special_ndtr",
    bind=bind,
    forward=over(FUNCTIONS["Φ"].value),
    vjp=lambda g, y, a: (g * np.exp(-a * a / 2) / math.sqrt(2 * math.pi),),
    expression=lambda a: Apply("Φ", (a,)),
    derivatives=(lambda y, a: Apply("φ", (a,)),),
    words="how much of the standard normal distribution lies below it",
    torch="torch.special.ndtr",
)

ERFINV = elementwise(
    "erfinv",
    bind=bind,
    forward=over(FUNCTIONS["erfinv"].value),
    vjp=lambda g, y, a: (g * (math.sqrt(math.pi) / 2) * np.exp(y * y),),
    expression=lambda a: Apply("erfinv", (a,)),
    derivatives=(
        lambda y, a: Number(math.sqrt(math.pi) / 2) * Apply("exp", (Apply("erfinv", (a,)) ** TWO,)),
    ),
    words="number with this error function",
    torch="torch.erfinv",
)

# --- the gamma function -----------------------------------------------------------------


log_gamma, digammas, trigammas = (
    over(FUNCTIONS[name].value) for name in ("lgamma", "digamma", "trigamma")
)

LGAMMA = elementwise(
    "lgamma",
    bind=bind,
    forward=log_gamma,
    vjp=lambda g, y, a: (g * digammas(a),),
    expression=lambda a: Apply("lgamma", (a,)),
    derivatives=(lambda y, a: Apply("digamma", (a,)),),
    words="logarithm of the gamma function",
    torch="torch.lgamma",
)

DIGAMMA = elementwise(
    "digamma",
    bind=bind,
    forward=digammas,
    vjp=lambda g, y, a: (g * trigammas(a),),
    expression=lambda a: Apply("digamma", (a,)),
    derivatives=(lambda y, a: Apply("trigamma", (a,)),),
    words="slope of the logarithm of the gamma function",
    torch="torch.digamma",
)

# --- to whole numbers -------------------------------------------------------------------


def rounding(name: str, function: Any, words: str) -> Rule:
    """Make the rule of an op to whole numbers, through which no gradient passes."""
    return elementwise(
        name,
        bind=bind,
        forward=function,
        vjp=lambda g, y, a: (np.zeros_like(g),),
        expression=lambda a: Apply(name, (a,)),
        derivatives=(lambda y, a: ZERO,),
        words=words,
        torch=f"torch.{name}",
    )


ROUND = rounding("round", np.round, "nearest whole number, a half to the even one")
FLOOR = rounding("floor", np.floor, "largest whole number not above it")
CEIL = rounding("ceil", np.ceil, "smallest whole number not below it")
TRUNC = rounding("trunc", np.trunc, "whole number without what is behind the point")

FRAC = elementwise(
    "frac",
    bind=bind,
    forward=lambda a: a - np.trunc(a),
    vjp=lambda g, y, a: (g,),
    expression=lambda a: a - Apply("trunc", (a,)),
    derivatives=(lambda y, a: ONE,),
    words="what is behind the point",
    torch="torch.frac",
)


def remaining(name: str, function: Any, whole: str, cut: Any, words: str) -> Rule:
    """Make the rule of what a division leaves; `whole` is how its quotient is made whole."""

    def times(a: Expression, b: Expression) -> Expression:
        return Apply(whole, (a / b,))

    return elementwise(
        name,
        bind=lambda input, other: ((input, other), {}),
        forward=function,
        vjp=lambda g, y, a, b: (g, -g * cut(a / b)),
        expression=lambda a, b: a - b * times(a, b),
        derivatives=(lambda y, a, b: ONE, lambda y, a, b: -times(a, b)),
        words=words,
        torch=f"torch.{name}",
    )


FMOD = remaining(
    "fmod", np.fmod, "trunc", np.trunc, "what a division leaves, with the sign of the dividend"
)
REMAINDER = remaining(
    "remainder", np.mod, "floor", np.floor, "what a division leaves, with the sign of the divisor"
)

# --- what is no number ------------------------------------------------------------------


def bind_nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Bound:
    return (input,), {"nan": 0.0 if nan is None else nan, "posinf": posinf, "neginf": neginf}


def numbers_of(a: Array, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """Put numbers where there are none; an infinity that is not told is the largest there is."""
    return np.asarray(np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf))


def number_of(a: Expression, nan: float, posinf: float | None, neginf: float | None) -> Expression:
    value = number(a)
    if math.isfinite(value):
        return a
    return Number(float(numbers_of(np.asarray(value), nan, posinf, neginf)))


NAN_TO_NUM = elementwise(
    "nan_to_num",
    bind=bind_nan_to_num,
    forward=numbers_of,
    # Where a number was put in, nothing passes.
    vjp=lambda g, y, a, **_: (np.where(np.isfinite(a), g, np.zeros_like(g)),),
    expression=number_of,
    derivatives=(lambda y, a, **_: ONE if math.isfinite(number(a)) else ZERO,),
    words="the same numbers, and others where there are none",
    torch="torch.nan_to_num",
    piecewise=True,
    usual={"nan": 0.0},
)
