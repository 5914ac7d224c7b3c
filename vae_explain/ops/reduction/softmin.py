"""`softmin`: the softmax of the negatives, so that the smallest has the largest share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...symbolic.build import exp
from ...symbolic.expression import ONE, Add, Div, Expression, Index
from ..elementwise.exponentials import shift_of, shifted
from ..rule import Call, Partial
from .softmax import SOFTMAX, along, row_of, share_total, softmax


def _element(call: Call, index: Index) -> Expression:
    row = [-term for term in row_of(call, index)]
    shift = shift_of(row)
    own = exp(shifted(-call.operands[0].at(index), shift))
    return Div(own, Add(tuple(exp(shifted(term, shift)) for term in row)))


def _partials(call: Call, position: int, index: Index) -> list[Partial]:
    own = call.output.at(index)
    return [
        (out, -(own * (ONE - own)) if out == index else call.output.at(out) * own)
        for out in along(call, index)
    ]


def _formula(call: Call) -> Expression:
    powers = exp(-call.operands[0].whole())
    return Div(powers, share_total(call, powers))


def _gradient(call: Call, position: int, upstream: Expression) -> Expression:
    y = call.output.whole()
    return y * (share_total(call, upstream * y) - upstream)


SOFTMIN = replace(
    SOFTMAX,
    name="softmin",
    forward=lambda x, dim: softmax(np.negative(x), dim),
    vjp=lambda g, y, x, dim: SOFTMAX.vjp(-g, y, x, dim),
    element=_element,
    partials=_partials,
    formula=_formula,
    gradient=_gradient,
    title="softmin",
    words="exponentials of the negatives as shares of their sum",
    torch="torch.nn.functional.softmin",
)
