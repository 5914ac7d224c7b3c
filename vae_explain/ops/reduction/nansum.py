"""A sum of what is a number: `nansum` passes over each NaN, which gets no gradient."""

from __future__ import annotations

import math

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Expression, Index, Opaque, SumOver
from ...symbolic.shapes import expanded
from ...trace import Array
from ..rule import Call, Partial
from .axes import reduced, reduction, sources, spread_formula, target
from .sum_mean import SUM


def is_number(x: Array) -> Array:
    return np.asarray(~np.isnan(x)).astype(x.dtype)


def without_nan(x: Array) -> Array:
    return np.where(np.isnan(x), np.zeros_like(x), x)


def element(call: Call, index: Index) -> Expression:
    x = call.operands[0]
    return summed(x.at(at) for at in sources(call, index) if not math.isnan(x.array[at]))


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    gone = math.isnan(call.operands[0].array[index])
    return [] if gone else [(target(call, index), ONE)]


def formula(call: Call) -> Expression:
    x = call.operands[0]
    body: Expression = x.whole()
    if np.isnan(x.array).any():
        body = Opaque("without_nan", (body,), (), without_nan)
    return SumOver(expanded(body, x.shape), reduced(call), call.output.shape)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, arriving = call.operands[0], spread_formula(call, upstream)
    if not np.isnan(x.array).any():
        return arriving
    return arriving * Opaque("is_number", (x.whole(),), (), is_number)


NANSUM = reduction(
    name="nansum",
    bind=SUM.bind,
    forward=lambda x, dim, keepdim: SUM.forward(without_nan(x), dim, keepdim),
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="the sum of what is a number",
)
