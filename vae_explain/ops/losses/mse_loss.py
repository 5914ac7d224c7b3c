"""`mse_loss`: the squared differences of two tensors, summed, averaged or one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...symbolic.expression import Div, Expression, Index, Number, SumOver
from ...symbolic.shapes import expanded
from ...trace import Array
from ..reduction.long_sums import total
from ..rule import (
    Bound,
    Call,
    NotExplained,
    Partial,
    Rule,
    broadcast_index,
    broadcast_targets,
    sum_to,
    unbroadcast,
)

TWO = Number(2.0)


def bind(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Bound:
    if size_average is not None or reduce is not None or weight is not None:
        raise NotExplained("size_average, reduce and weight")
    return (input, target), {"reduction": reduction}


def forward(a: Array, b: Array, reduction: str) -> Array:
    squares = (a - b) ** 2
    if reduction == "none":
        return squares
    return np.asarray(squares.sum() if reduction == "sum" else squares.mean())


def vjp(
    upstream: Array, output: Array, a: Array, b: Array, reduction: str
) -> tuple[Array | None, ...]:
    difference = a - b
    gradient = upstream * 2 * difference
    if reduction == "mean":
        gradient = gradient / difference.size
    return unbroadcast(gradient, a.shape), unbroadcast(-gradient, b.shape)


def _squares(call: Call) -> tuple[int, ...]:
    return np.broadcast_shapes(*(operand.shape for operand in call.operands))


def _difference(call: Call, index: Index, flip: bool = False) -> Expression:
    a, b = (operand.at(broadcast_index(index, operand.shape)) for operand in call.operands)
    return b - a if flip else a - b


@dataclass(frozen=True)
class _Squares:
    """The squared differences before they are summed: an output without a name of its own."""

    call: Call

    @property
    def shape(self) -> tuple[int, ...]:
        return _squares(self.call)

    @property
    def array(self) -> Array:
        a, b = self.call.arrays
        return forward(a, b, reduction="none")

    def at(self, index: Index) -> Expression:
        return _difference(self.call, index) ** TWO

    def whole(self) -> Expression:
        a, b = (operand.whole() for operand in self.call.operands)
        return (a - b) ** TWO


def element(call: Call, index: Index) -> Expression:
    if call.attributes["reduction"] == "none":
        return _difference(call, index) ** TWO
    found = total(_Squares(call))
    return found if call.attributes["reduction"] == "sum" else Div(found, _count(call))


def _count(call: Call) -> Number:
    return Number(float(np.prod(_squares(call))))


def _scale(call: Call) -> Number:
    # 2/n for the mean: one constant, so that the chain folds it with the others.
    mean = call.attributes["reduction"] == "mean"
    return Number(2.0 / _count(call).value if mean else 2.0)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    shape = _squares(call)
    whole = call.attributes["reduction"] == "none"
    return [
        (at if whole else (), _scale(call) * _difference(call, at, flip=position == 1))
        for at in broadcast_targets(index, call.operands[position].shape, shape)
    ]


def formula(call: Call) -> Expression:
    squares = _Squares(call).whole()
    if call.attributes["reduction"] == "none":
        return squares
    shape = _squares(call)
    summed = SumOver(expanded(squares, shape), tuple(range(len(shape))), ())
    return summed if call.attributes["reduction"] == "sum" else Div(summed, _count(call))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    a, b = (operand.whole() for operand in call.operands)
    difference = b - a if position == 1 else a - b
    return sum_to(
        upstream * _scale(call) * difference, _squares(call), call.operands[position].shape
    )


MSE_LOSS = Rule(
    name="mse_loss",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="squared differences",
    torch="torch.nn.functional.mse_loss",
    broadcasts=True,
)
