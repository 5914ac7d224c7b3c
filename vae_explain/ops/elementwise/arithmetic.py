"""The operations of arithmetic, three of them joined in one call, powers and their inverses.

`add`, `sub`, `mul`, `div`, `neg`; `addcmul`, `addcdiv` and `lerp`; `pow`, `square`, `sqrt`, `exp`
and `log`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.build import HALF, exp, log, root, scaled, square
from ...symbolic.expression import ONE, Expression, Number
from ...trace import Array
from ..binding import Bound, Refused, binder
from ..pointwise import elementwise


def bind_two(input: Any, other: Any, *, alpha: float = 1) -> Bound:
    """Bind `add` and `sub`, whose `alpha` scales the second operand."""
    return (input, other), {} if alpha == 1 else {"alpha": alpha}


def added(a: Expression, b: Expression, alpha: float = 1) -> Expression:
    # PyTorch hears `1 + logvar` as `logvar.add(1)`; people write the whole number in front.
    if alpha == 1 and isinstance(b, Number) and b.value == int(b.value):
        return b + a
    return a + scaled(alpha, b)


ADD = elementwise(
    "add",
    added,
    bind=bind_two,
    forward=lambda a, b, alpha=1: a + alpha * b,  # whole numbers stay whole
    words="sum",
)

SUB = elementwise(
    "sub",
    lambda a, b, alpha=1: a - scaled(alpha, b),
    bind=bind_two,
    forward=lambda a, b, alpha=1: a - alpha * b,
    words="difference",
)

MUL = elementwise(
    "mul",
    lambda a, b: b * a if isinstance(b, Number) else a * b,
    bind=binder("input", "other"),
    words="product, element by element",
)

DIV = elementwise(
    "div",
    lambda a, b: a / b,
    bind=binder("input", "other", rounding_mode=Refused(None, "rounding_mode={!r}")),
    words="quotient, element by element",
)

NEG = elementwise("neg", lambda a: -a, words="change of sign")

# --- two at once ------------------------------------------------------------------------


bind_three = binder("input", "tensor1", "tensor2", value=1)
ADDCMUL = elementwise(
    "addcmul",
    lambda a, b, c, value: a + scaled(value, b * c),
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b * c,
    words="sum with a product",
)

ADDCDIV = elementwise(
    "addcdiv",
    lambda a, b, c, value: a + scaled(value, b / c),
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b / c,
    derivatives=(
        None,
        lambda y, a, b, c, value: scaled(value, ONE / c),
        lambda y, a, b, c, value: scaled(-value, b / square(c)),
    ),
    words="sum with a quotient",
)

LERP = elementwise(
    "lerp",
    lambda a, b, w: a + w * (b - a),
    bind=binder("input", "end", "weight"),
    words="a part of the way from one to the other",
)

# --- powers and their inverses ----------------------------------------------------------


def power_vjp(g: Array, y: Array, base: Array, exponent: Array) -> tuple[Array | None, ...]:
    # The logarithm is wanted only where the exponent is a tensor, and below zero it is NaN.
    with np.errstate(divide="ignore", invalid="ignore"):
        by_base = g * exponent * np.power(base, exponent - 1)
        by_exponent = g * y * np.log(base)
    # As in PyTorch: x⁰ is 1 at x = 0 too, and 0ⁿ stays 0 whichever way n moves.
    flat = (np.equal(exponent, 0), np.equal(base, 0) & np.greater_equal(exponent, 0))
    return (
        np.where(flat[0], np.zeros_like(by_base), by_base),
        np.where(flat[1], np.zeros_like(by_exponent), by_exponent),
    )


POW = elementwise(
    "pow",
    lambda a, n: a**n,
    bind=binder("input", "exponent"),
    vjp=power_vjp,
    derivatives=(None, lambda y, a, n: y * log(a)),
    words="power",
)

SQUARE = elementwise("square", square, forward=np.square, words="square")

SQRT = elementwise("sqrt", root, derivatives=(lambda y, a: HALF / y,), words="square root")

EXP = elementwise("exp", exp, derivatives=(lambda y, a: y,), words="exponential")

LOG = elementwise("log", log, words="natural logarithm")
