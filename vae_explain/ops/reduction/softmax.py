"""Exponentials shared out along an axis: `softmax`, `softmin`, `log_softmax`, `logsumexp`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np

from ...symbolic.build import exp, log
from ...symbolic.expression import ONE, Add, Div, Expression, Index, Neg, SumOver
from ...trace import Array
from ..at_once import is_long, shape_of_many, sum_of
from ..binding import REQUIRED, Ignored, binder
from ..broadcasting import normalized_axes
from ..delegate import Intermediate
from ..elementwise.arithmetic import NEG
from ..elementwise.logarithms import log_share, log_total, shift_of, shifted
from ..rule import Call, Family, Partial, Rule, Ways
from .axes import along, reduced, reduction, sources, spread_formula, target, with_ones

# --- by numbers -------------------------------------------------------------------------


def logsumexp(x: Array, axes: tuple[int, ...], keepdim: bool = True) -> Array:
    # By its real part: a complex step has no order.
    top = np.real(x).max(axis=axes, keepdims=True)
    total: Array = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
    return total if keepdim else total.squeeze(axis=axes)


def log_softmax(x: Array, dim: int | None) -> Array:
    axes = _axes(dim, x.ndim)
    if not axes:
        return np.zeros_like(x)
    apart = x - np.real(x).max(axis=axes, keepdims=True)
    return np.asarray(apart - np.log(np.exp(apart).sum(axis=axes, keepdims=True)))


def softmax(x: Array, dim: int | None) -> Array:
    axes = _axes(dim, x.ndim)
    if not axes:
        return np.ones_like(x)
    powers: Array = np.exp(x - np.real(x).max(axis=axes, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axes, keepdims=True))


# --- as expressions ---------------------------------------------------------------------


def _axes(dim: int | None, rank: int) -> tuple[int, ...]:
    """Return the axis, the one that PyTorch takes where none is given: the rows' of a matrix."""
    return normalized_axes(dim if dim is not None else 0 if rank in (0, 1, 3) else 1, rank)


def _beside(call: Call, index: Index) -> list[Index]:
    """Return the indices of all elements that share an element's sum."""
    axes = _axes(call.attributes["dim"], len(index))
    return along(index, axes[0], call.output.shape[axes[0]]) if axes else [()]


def _row(call: Call, index: Index) -> list[Expression]:
    return [call.operands[0].at(at) for at in _beside(call, index)]


def _ways(slope: Callable[[Call, Index, bool, Index], Expression]) -> Ways:
    """Make the ways of an element to its row: to itself, and to all others."""

    def families(call: Call, position: int, index: Index) -> list[Family]:
        itself = Family(index, partial(slope, call, index, True))
        axes = _axes(call.attributes["dim"], len(index))
        if not axes:
            return [itself]
        axis, size = axes[0], call.output.shape[axes[0]]
        rows: Any = np.arange(index[axis]), np.arange(index[axis] + 1, size)
        before, behind = (
            Family((*index[:axis], row, *index[axis + 1 :]), partial(slope, call, index, False))
            for row in rows
        )
        return [family for family in (before, itself, behind) if prod(shape_of_many(family.out))]

    return Ways(families)


def _softmax_slope(call: Call, index: Index, itself: bool, out: Index) -> Expression:
    own = call.output.at(index)
    return own * (ONE - own) if itself else -(call.output.at(out) * own)


def _log_softmax_slope(call: Call, index: Index, itself: bool, out: Index) -> Expression:
    share = exp(call.output.at(index))
    return ONE - share if itself else -share


def _softmax_element(call: Call, index: Index) -> Expression:
    row = _row(call, index)
    shift = shift_of(row)
    own = exp(shifted(call.operands[0].at(index), shift))
    if is_long(len(row)):
        x, places = call.operands[0], _beside(call, index)
        axis = _axes(call.attributes["dim"], len(index))[0]
        line: Any = (*index[:axis], np.arange(len(row)), *index[axis + 1 :])
        powers = sum_of(
            len(row), lambda: places, lambda: line, lambda at: exp(shifted(x.at(at), shift))
        )
        return Div(own, powers)
    return Div(own, Add(tuple(exp(shifted(term, shift)) for term in row)))


def _log_softmax_element(call: Call, index: Index) -> Expression:
    return log_share(call, call.operands[0].at(index), _row(call, index))


def _total(call: Call, body: Expression) -> Expression:
    """Write the sum along the axis, the axis kept."""
    shape = call.output.shape
    axes = _axes(call.attributes["dim"], len(shape))
    return SumOver(body, axes, with_ones(shape, axes))


def _softmax_formula(call: Call) -> Expression:
    powers = exp(call.operands[0].whole())
    return Div(powers, _total(call, powers))


def _softmax_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    y = call.output.whole()
    return y * (upstream - _total(call, upstream * y))


def _log_softmax_formula(call: Call) -> Expression:
    x = call.operands[0].whole()
    return x - log(_total(call, exp(x)))


def _log_softmax_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return upstream - exp(call.output.whole()) * _total(call, upstream)


bind = binder("input", dim=None, _stacklevel=Ignored(), dtype=Ignored())

SOFTMAX = Rule(
    name="softmax",
    bind=bind,
    forward=softmax,
    element=_softmax_element,
    partials=_ways(_softmax_slope),
    formula=_softmax_formula,
    gradient=_softmax_gradient,
    title="softmax",
    words="exponentials as shares of their sum",
)

LOG_SOFTMAX = Rule(
    name="log_softmax",
    bind=bind,
    forward=log_softmax,
    element=_log_softmax_element,
    partials=_ways(_log_softmax_slope),
    formula=_log_softmax_formula,
    gradient=_log_softmax_gradient,
    title="log softmax",
    words="logarithm of the softmax",
)

# --- of the negatives -------------------------------------------------------------------


def _of_negatives(call: Call) -> Call:
    return replace(call, operands=(Intermediate(NEG, call.operands),))


def _softmin_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    y = call.output.whole()
    return y * (_total(call, upstream * y) - upstream)


SOFTMIN = replace(
    SOFTMAX,
    name="softmin",
    forward=lambda x, dim: softmax(np.negative(x), dim),
    element=lambda call, index: _softmax_element(_of_negatives(call), index),
    partials=lambda call, position, index: [
        (out, Neg(local)) for out, local in SOFTMAX.partials(call, position, index)
    ],
    formula=lambda call: _softmax_formula(_of_negatives(call)),
    gradient=_softmin_gradient,
    title="softmin",
    words="exponentials of the negatives as shares of their sum",
    functional=True,
)

# --- logsumexp --------------------------------------------------------------------------


def _logsumexp_element(call: Call, index: Index) -> Expression:
    return log_total([call.operands[0].at(source) for source in sources(call, index)])


def _logsumexp_partials(call: Call, position: int, index: Index) -> list[Partial]:
    out = target(call, index)
    return [(out, exp(call.operands[0].at(index) - call.output.at(out)))]


def _logsumexp_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, y = call.operands[0].whole(), spread_formula(call, call.output.whole())
    return spread_formula(call, upstream) * exp(x - y)


LOGSUMEXP = reduction(
    name="logsumexp",
    bind=binder("input", dim=REQUIRED, keepdim=False),
    forward=lambda x, dim, keepdim: logsumexp(x, normalized_axes(dim, x.ndim), keepdim),
    element=_logsumexp_element,
    partials=_logsumexp_partials,
    formula=lambda call: log(
        SumOver(exp(call.operands[0].whole()), reduced(call), call.output.shape)
    ),
    gradient=_logsumexp_gradient,
    title="logsumexp",
    words="logarithm of a sum of exponentials",
)
