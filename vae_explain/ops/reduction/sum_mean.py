"""Sums and means over some or all axes: `sum`, `mean`, and `nansum`, which passes over each NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import prod

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Div, Expression, Index, Number, Opaque, SumOver
from ...symbolic.shapes import expanded
from ...trace import Array
from ..at_once import is_long, is_many, sum_of
from ..binding import Ignored, binder
from ..broadcasting import normalized_axes
from ..rule import Call, Family, OfMany, Partial, Ways
from .axes import (
    count,
    reduced,
    reduction,
    sources,
    sources_at_once,
    spread,
    spread_formula,
    target,
)
from .long_sums import total

bind = binder("input", dim=None, keepdim=False, dtype=Ignored())


def sum_element(call: Call, index: Index) -> Expression:
    if count(call) == prod(call.operands[0].shape) > 1:
        return total(call.operands[0])
    if is_long(count(call)) and not is_many(index):
        return sum_of(
            count(call),
            lambda: sources(call, index),
            lambda: sources_at_once(call, index),
            call.operands[0].at,
        )
    return summed(call.operands[0].at(source) for source in sources(call, index))


def sum_formula(call: Call) -> Expression:
    x = call.operands[0]
    return SumOver(expanded(x.whole(), x.shape), reduced(call), call.output.shape)


def _share(call: Call) -> Expression:
    return Div(ONE, _count(call))


def _count(call: Call) -> Number:
    return Number(float(count(call)))


def _ways(slope: Callable[[Call], Expression]) -> Ways:
    """Make the way of each element to the one that it went into."""

    def families(call: Call, position: int, index: Index) -> list[Family]:
        return [Family.constant(target(call, index), slope(call))]

    return Ways(families, of_many=True)


SUM = reduction(
    name="sum",
    bind=bind,
    forward=lambda x, dim, keepdim: np.asarray(
        x.sum(axis=normalized_axes(dim, x.ndim), keepdims=keepdim)
    ),
    element=OfMany(sum_element),
    partials=_ways(lambda call: ONE),
    formula=sum_formula,
    gradient=lambda call, position, upstream: spread_formula(call, upstream),
    words="sum",
    adds_up="terms",
)

MEAN = reduction(
    name="mean",
    bind=bind,
    forward=lambda x, dim, keepdim: np.asarray(
        x.mean(axis=normalized_axes(dim, x.ndim), keepdims=keepdim)
    ),
    vjp=lambda g, y, x, dim, keepdim: (
        spread(g, x.shape, dim, keepdim) / (x.size / max(g.size, 1)),
    ),
    element=OfMany(lambda call, index: Div(sum_element(call, index), _count(call))),
    partials=_ways(_share),
    formula=lambda call: Div(sum_formula(call), _count(call)),
    gradient=lambda call, position, upstream: spread_formula(call, upstream) * _share(call),
    words="mean",
    adds_up="terms",
)

# --- of what is a number; a NaN gets no gradient ----------------------------------------


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
