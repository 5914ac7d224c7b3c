"""`bilinear`: for each output, every product of an element of one with one of the other, weighed.

The products are those of an `einsum`; here a bias is added.
"""

from __future__ import annotations

from string import ascii_lowercase

import numpy as np

from ...symbolic.expression import ONE, Expression, Index, SumOver
from ...trace import Array
from ..rule import OPTIONAL, Call, Partial, Rule, binder, indices
from .einsum import EINSUM

FIRST, WEIGHT, SECOND, BIAS = range(4)


def equation(rank: int) -> str:
    """Return the letters of inputs of a rank: all axes but the last are alike."""
    rows = ascii_lowercase[: rank - 1]
    return f"{rows}x,zxy,{rows}y->{rows}z"


def forward(first: Array, weight: Array, second: Array, *bias: Array) -> Array:
    found = EINSUM.forward(first, weight, second, equation=equation(first.ndim))
    return np.asarray(found + bias[0] if bias else found)


def vjp(
    g: Array, y: Array, first: Array, weight: Array, second: Array, *bias: Array
) -> tuple[Array | None, ...]:
    found = EINSUM.vjp(g, y, first, weight, second, equation=equation(first.ndim))
    return (*found, g.sum(axis=tuple(range(g.ndim - 1)))) if bias else found


def _products(call: Call) -> Call:
    rank = len(call.operands[FIRST].shape)
    return Call(call.operands[:BIAS], call.output, {"equation": equation(rank)})


def element(call: Call, index: Index) -> Expression:
    found = EINSUM.element(_products(call), index)
    return found + call.operands[BIAS].at(index[-1:]) if len(call.operands) > BIAS else found


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position < BIAS:
        return EINSUM.partials(_products(call), position, index)
    return [((*row, *index), ONE) for row in indices(call.output.shape[:-1])]


def formula(call: Call) -> Expression:
    found = EINSUM.formula(_products(call))
    return found + call.operands[BIAS].whole() if len(call.operands) > BIAS else found


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position < BIAS:
        return EINSUM.gradient(_products(call), position, upstream)
    shape = call.output.shape
    return SumOver(upstream, tuple(range(len(shape) - 1)), shape[-1:]) if shape[:-1] else upstream


BILINEAR = Rule(
    name="bilinear",
    bind=binder("input1", "input2", "weight", bias=OPTIONAL, order=("input1", "weight")),
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    kind="contraction",
    title="a bilinear layer",
    words="products of each element of one with each of the other, weighed and summed",
    functional=True,
)
