"""Powers and their inverses: `pow`, `square`, `sqrt`, `exp`, `log`."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import Apply, Div, Expression, Number
from ...trace import Array
from ..rule import elementwise

TWO = Number(2.0)


def lowered(y: Expression, base: Expression, exponent: Expression) -> Expression:
    """The derivative of a power by its base, n·x^(n-1)."""
    if isinstance(exponent, Number):
        return exponent * base ** Number(exponent.value - 1)
    return exponent * base ** (exponent - Number(1.0))


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
    bind=lambda input, exponent: ((input, exponent), {}),
    forward=lambda a, n: np.power(a, n),
    vjp=power_vjp,
    expression=lambda a, n: a**n,
    derivatives=(lowered, lambda y, a, n: y * Apply("log", (a,))),
    words="power",
    torch="torch.pow",
)

SQUARE = elementwise(
    "square",
    bind=lambda input: ((input,), {}),
    forward=np.square,
    vjp=lambda g, y, a: (g * 2 * a,),
    expression=lambda a: a**TWO,
    derivatives=(lambda y, a: TWO * a,),
    words="square",
    torch="torch.square",
)

SQRT = elementwise(
    "sqrt",
    bind=lambda input: ((input,), {}),
    forward=np.sqrt,
    vjp=lambda g, y, a: (g / (2 * y),),
    expression=lambda a: Apply("sqrt", (a,)),
    derivatives=(lambda y, a: Div(Number(0.5), y),),
    words="square root",
    torch="torch.sqrt",
)

EXP = elementwise(
    "exp",
    bind=lambda input: ((input,), {}),
    forward=np.exp,
    vjp=lambda g, y, a: (g * y,),
    expression=lambda a: Apply("exp", (a,)),
    derivatives=(lambda y, a: y,),
    words="exponential",
    torch="torch.exp",
)

LOG = elementwise(
    "log",
    bind=lambda input: ((input,), {}),
    forward=np.log,
    vjp=lambda g, y, a: (g / a,),
    expression=lambda a: Apply("log", (a,)),
    derivatives=(lambda y, a: Number(1.0) / a,),
    words="natural logarithm",
    torch="torch.log",
)
