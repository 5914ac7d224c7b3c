"""Exponentials shared out along an axis: `softmax`, `log_softmax`, `logsumexp`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.build import exp, log
from ...symbolic.expression import (
    ONE,
    Add,
    Div,
    Expression,
    Index,
    SumOver,
)
from ...trace import Array
from ..elementwise.exponentials import log_total, shift_of, shifted
from ..rule import Bound, Call, Partial, Rule, normalized_axes
from .sum_mean import reduced, sources, spread, spread_formula, target

# --- by numbers -------------------------------------------------------------------------


def logsumexp(x: Array, axes: tuple[int, ...], keepdim: bool = True) -> Array:
    # By its real part: a complex step has no order.
    top = np.real(x).max(axis=axes, keepdims=True)
    total: Array = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
    return total if keepdim else total.squeeze(axis=axes)


def log_softmax(x: Array, dim: int | None) -> Array:
    axes = normalized_axes(axis_of(dim, x.ndim), x.ndim)
    if not axes:
        return np.zeros_like(x)
    top = np.real(x).max(axis=axes, keepdims=True)
    apart = x - top
    return np.asarray(apart - np.log(np.exp(apart).sum(axis=axes, keepdims=True)))


def softmax(x: Array, dim: int | None) -> Array:
    axes = normalized_axes(axis_of(dim, x.ndim), x.ndim)
    if not axes:
        return np.ones_like(x)
    powers: Array = np.exp(x - np.real(x).max(axis=axes, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axes, keepdims=True))


def _softmax_vjp(g: Array, y: Array, x: Array, dim: int | None) -> tuple[Array]:
    axes = normalized_axes(axis_of(dim, x.ndim), x.ndim)
    return (y * (g - (g * y).sum(axis=axes, keepdims=True)),)


def _log_softmax_vjp(g: Array, y: Array, x: Array, dim: int | None) -> tuple[Array]:
    axes = normalized_axes(axis_of(dim, x.ndim), x.ndim)
    return (g - np.exp(y) * g.sum(axis=axes, keepdims=True),)


# --- as expressions ---------------------------------------------------------------------


def bind(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Bound:
    return (input,), {"dim": dim}


def axis_of(dim: int | None, rank: int) -> int:
    """Return the axis, the one that PyTorch takes where none is given: the rows' of a matrix."""
    return dim if dim is not None else 0 if rank in (0, 1, 3) else 1


def along(call: Call, index: Index) -> list[Index]:
    """Return the indices of all elements that share an element's sum."""
    if not index:
        return [()]
    axis = axis_of(call.attributes["dim"], len(index)) % len(index)
    size = call.output.shape[axis]
    return [(*index[:axis], k, *index[axis + 1 :]) for k in range(size)]


def row_of(call: Call, index: Index) -> list[Expression]:
    return [call.operands[0].at(at) for at in along(call, index)]


def _softmax_element(call: Call, index: Index) -> Expression:
    row = row_of(call, index)
    shift = shift_of(row)
    own = exp(shifted(call.operands[0].at(index), shift))
    return Div(own, Add(tuple(exp(shifted(term, shift)) for term in row)))


def _softmax_partials(call: Call, position: int, index: Index) -> list[Partial]:
    own = call.output.at(index)
    return [
        (out, own * (ONE - own) if out == index else -(call.output.at(out) * own))
        for out in along(call, index)
    ]


def _log_softmax_element(call: Call, index: Index) -> Expression:
    return call.operands[0].at(index) - log_total(row_of(call, index))


def _log_softmax_partials(call: Call, position: int, index: Index) -> list[Partial]:
    share = exp(call.output.at(index))
    return [(out, ONE - share if out == index else -share) for out in along(call, index)]


def share_total(call: Call, body: Expression) -> Expression:
    """Write the sum along the axis, the axis kept."""
    shape = call.output.shape
    axes = normalized_axes(axis_of(call.attributes["dim"], len(shape)), len(shape))
    return SumOver(body, axes, tuple(1 if a in axes else size for a, size in enumerate(shape)))


def _softmax_formula(call: Call) -> Expression:
    powers = exp(call.operands[0].whole())
    return Div(powers, share_total(call, powers))


def _softmax_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    y = call.output.whole()
    return y * (upstream - share_total(call, upstream * y))


def _log_softmax_formula(call: Call) -> Expression:
    x = call.operands[0].whole()
    return x - log(share_total(call, exp(x)))


def _log_softmax_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return upstream - exp(call.output.whole()) * share_total(call, upstream)


SOFTMAX = Rule(
    name="softmax",
    bind=bind,
    forward=softmax,
    vjp=_softmax_vjp,
    element=_softmax_element,
    partials=_softmax_partials,
    formula=_softmax_formula,
    gradient=_softmax_gradient,
    title="softmax",
    words="exponentials as shares of their sum",
    torch="torch.softmax",
)

LOG_SOFTMAX = Rule(
    name="log_softmax",
    bind=bind,
    forward=log_softmax,
    vjp=_log_softmax_vjp,
    element=_log_softmax_element,
    partials=_log_softmax_partials,
    formula=_log_softmax_formula,
    gradient=_log_softmax_gradient,
    title="log softmax",
    words="logarithm of the softmax",
    torch="torch.log_softmax",
)

# --- logsumexp --------------------------------------------------------------------------


def bind_logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Bound:
    return (input,), {"dim": dim if isinstance(dim, int) else tuple(dim), "keepdim": keepdim}


def _logsumexp_element(call: Call, index: Index) -> Expression:
    return log_total([call.operands[0].at(source) for source in sources(call, index)])


def _logsumexp_partials(call: Call, position: int, index: Index) -> list[Partial]:
    out = target(call, index)
    return [(out, exp(call.operands[0].at(index) - call.output.at(out)))]


def _logsumexp_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, y = call.operands[0].whole(), spread_formula(call, call.output.whole())
    return spread_formula(call, upstream) * exp(x - y)


LOGSUMEXP = Rule(
    name="logsumexp",
    bind=bind_logsumexp,
    forward=lambda x, dim, keepdim: logsumexp(x, normalized_axes(dim, x.ndim), keepdim),
    vjp=lambda g, y, x, dim, keepdim: (
        spread(g, x.shape, dim, keepdim) * np.exp(x - spread(y, x.shape, dim, keepdim)),
    ),
    element=_logsumexp_element,
    partials=_logsumexp_partials,
    formula=lambda call: log(
        SumOver(exp(call.operands[0].whole()), reduced(call), call.output.shape)
    ),
    gradient=_logsumexp_gradient,
    kind="reduction",
    title="logsumexp",
    words="logarithm of a sum of exponentials",
    torch="torch.logsumexp",
    broadcasts=True,
)
