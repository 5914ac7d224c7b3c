"""`linear`: each row of the weight dotted with the input, plus its bias."""

from __future__ import annotations

from math import prod
from string import ascii_lowercase

from ...symbolic.expression import Expression, MatMul, Transpose
from ...symbolic.shapes import shaped
from ..bias import biased
from ..binding import OPTIONAL, binder
from ..rule import Call, OfMany, Rule, Ways
from .products import Products

INPUT, WEIGHT, BIAS = range(3)


def products(call: Call) -> Products:
    x, weight = call.operands
    rows = ascii_lowercase[: len(x.shape) - 1]
    parts = ("zy", f"{rows}y")
    return call.once("products", lambda: Products((weight, x), parts, f"{rows}z"))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, weight = call.operands
    if position == INPUT:
        return MatMul(upstream, weight.whole())
    *rows, units = call.output.shape
    above = shaped(upstream, call.output.shape, (prod(rows), units))
    return MatMul(Transpose(above), shaped(x.whole(), x.shape, (prod(rows), x.shape[-1])))


_PRODUCT = Rule(
    name="linear",
    bind=binder("input", "weight", bias=OPTIONAL),
    # The order in which the reference figures were made: x @ W.T, then the bias.
    forward=lambda x, weight: x @ weight.T,
    element=OfMany(lambda call, index: products(call).element(index)),
    partials=Ways(
        lambda call, position, index: products(call).families(1 - position, index), of_many=True
    ),
    formula=lambda call: MatMul(call.wholes[INPUT], Transpose(call.wholes[WEIGHT])),
    gradient=gradient,
    kind="contraction",
    adds_up="terms",
    words="each row of the weight dotted with the input, plus its bias",
    functional=True,
)
LINEAR = biased(_PRODUCT, BIAS)
