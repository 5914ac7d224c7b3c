"""Powers and their inverses: `pow`, `square`, `sqrt`, `exp`, `log`."""

from __future__ import annotations

import numpy as np

from ...symbolic.build import HALF, exp, log, root, square
from ...trace import Array
from ..binding import binder
from ..pointwise import elementwise


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
