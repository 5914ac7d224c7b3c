"""`linear`: each row of the weight dotted with the input, plus its bias."""

from __future__ import annotations

from math import prod

from ...symbolic.expression import (
    ONE,
    Add,
    Expression,
    Index,
    MatMul,
    Mul,
    Reshape,
    SumOver,
    Transpose,
)
from ...trace import Array
from ..rule import OPTIONAL, Call, Partial, Rule, binder, indices

INPUT, WEIGHT, BIAS = range(3)


def forward(x: Array, weight: Array, *bias: Array) -> Array:
    # The order in which the reference figures were made: x @ W.T, then the bias.
    product = x @ weight.T
    return product + bias[0] if bias else product


def vjp(
    upstream: Array, output: Array, x: Array, weight: Array, *bias: Array
) -> tuple[Array | None, ...]:
    positions = (INPUT, WEIGHT, BIAS) if bias else (INPUT, WEIGHT)
    return tuple(vjp_of(position, upstream, output, x, weight) for position in positions)


def vjp_of(
    position: int, upstream: Array, output: Array, x: Array, weight: Array, *bias: Array
) -> Array:
    if position == INPUT:
        return upstream @ weight
    rows = upstream.reshape(-1, upstream.shape[-1])
    return rows.T @ x.reshape(-1, x.shape[-1]) if position == WEIGHT else rows.sum(axis=0)


def element(call: Call, index: Index) -> Expression:
    x, weight, *bias = call.operands
    *row, unit = index
    products = [Mul((weight.at((unit, j)), x.at((*row, j)))) for j in range(weight.shape[1])]
    return Add((*products, *(b.at((unit,)) for b in bias)))


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x, weight = call.operands[:2]
    if position == INPUT:
        *row, j = index
        return [((*row, unit), weight.at((unit, j))) for unit in range(weight.shape[0])]
    rows = indices(x.shape[:-1])
    if position == WEIGHT:
        unit, j = index
        return [((*row, unit), x.at((*row, j))) for row in rows]
    return [((*row, index[0]), ONE) for row in rows]


def formula(call: Call) -> Expression:
    x, weight, *bias = call.operands
    product = MatMul(x.whole(), Transpose(weight.whole()))
    return Add((product, bias[0].whole())) if bias else product


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, weight = call.operands[:2]
    *rows, units = call.output.shape
    if position == INPUT:
        return MatMul(upstream, weight.whole())
    if position == WEIGHT:
        if len(rows) == 1:
            return MatMul(Transpose(upstream), x.whole())
        above = Reshape(upstream, (prod(rows), units))
        return MatMul(Transpose(above), Reshape(x.whole(), (prod(rows), x.shape[-1])))
    return SumOver(upstream, tuple(range(len(rows))), (units,)) if rows else upstream


LINEAR = Rule(
    name="linear",
    bind=binder("input", "weight", bias=OPTIONAL),
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    kind="contraction",
    words="each row of the weight dotted with the input, plus its bias",
    functional=True,
    vjp_of=vjp_of,
)
