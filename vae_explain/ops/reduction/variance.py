"""How far numbers spread, over some or all axes: `var`, `std`, and with the mean `var_mean`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import TWO, root, square
from ...symbolic.expression import Add, Div, Expression, Index, Number, SumOver
from ...trace import Array
from ..binding import Bound, NotExplained
from ..broadcasting import normalized_axes
from ..delegate import each_output
from ..rule import Call, Partial, Rule
from .axes import count, reduced, reduction, sources, spread_formula, target, with_ones
from .parts import mean_of
from .sum_mean import MEAN

MOST_WRITTEN = 12  # numbers in a mean that is written out; one of more has a line of its own


def bind(
    input: Any,
    dim: bool | int | Iterable[int] | None = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    axis: Any = None,
) -> Bound:
    if isinstance(dim, bool):  # `x.var(False)` says unbiased, not an axis
        dim, unbiased = None, dim
    if axis is not None:
        dim = axis
    if correction is None:
        correction = 0 if unbiased is False else 1
    if not isinstance(correction, int | float):
        raise NotExplained("a correction that is a tensor")
    axes = dim if dim is None or isinstance(dim, int) else tuple(dim)
    return (input,), {"dim": axes, "correction": correction, "keepdim": keepdim}


def centred(x: Array, dim: Any) -> tuple[Array, int]:
    """Return how far each number is from its mean, and how many numbers a mean is of."""
    axes = normalized_axes(dim, x.ndim)
    size = int(np.prod([x.shape[axis] for axis in axes]))
    return x - x.mean(axis=axes, keepdims=True), size


def variance(x: Array, dim: Any, correction: float, keepdim: bool) -> Array:
    apart, size = centred(x, dim)
    axes = normalized_axes(dim, x.ndim)
    return np.asarray((apart**2).sum(axis=axes, keepdims=keepdim) / (size - correction))


def _std_vjp(g: Array, y: Array, x: Array, **attributes: Any) -> tuple[Array | None, ...]:
    # Where nothing spreads, PyTorch passes nothing.
    slope = np.where(y == 0, np.zeros_like(y), g / (2 * np.where(y == 0, np.ones_like(y), y)))
    return VAR.vjp(slope, y, x, **attributes)


# --- as expressions ---------------------------------------------------------------------


def _mean(call: Call, out: Index) -> Expression:
    """Write the mean that one output's numbers are apart from: as a sum, if it is short."""
    x = call.operands[0]
    where = list(sources(call, out))
    if len(where) <= MOST_WRITTEN:
        return Div(Add(tuple(map(x.at, where))), Number(float(len(where))))
    axes = reduced(call)
    part = tuple(slice(None) if axis in axes else at for axis, at in enumerate(where[0]))
    return mean_of(x, part)


def _free(call: Call) -> Number:
    """The degrees of freedom that the squares are shared among."""
    return Number(count(call) - float(call.attributes["correction"]))


def _variance_element(call: Call, index: Index) -> Expression:
    mean = _mean(call, index)
    terms = (call.operands[0].at(source) for source in sources(call, index))
    return Div(Add(tuple(square(term - mean) for term in terms)), _free(call))


def _apart(call: Call, index: Index) -> Expression:
    return call.operands[0].at(index) - _mean(call, target(call, index))


def _variance_partials(call: Call, position: int, index: Index) -> list[Partial]:
    return [(target(call, index), Div(TWO * _apart(call, index), _free(call)))]


def _std_partials(call: Call, position: int, index: Index) -> list[Partial]:
    out = target(call, index)
    if call.output.array[out] == 0:
        return []
    return [(out, Div(_apart(call, index), _free(call) * call.output.at(out)))]


def _whole_apart(call: Call) -> Expression:
    x = call.operands[0]
    axes = reduced(call)
    mean = Div(SumOver(x.whole(), axes, with_ones(x.shape, axes)), Number(float(count(call))))
    return x.whole() - mean


def _variance_formula(call: Call) -> Expression:
    squares = SumOver(square(_whole_apart(call)), reduced(call), call.output.shape)
    return Div(squares, _free(call))


def _variance_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return Div(spread_formula(call, upstream) * TWO * _whole_apart(call), _free(call))


def _std_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    slope = Div(upstream, call.output.whole())
    return Div(spread_formula(call, slope) * _whole_apart(call), _free(call))


VAR = reduction(
    name="var",
    bind=bind,
    forward=variance,
    element=_variance_element,
    partials=_variance_partials,
    formula=_variance_formula,
    gradient=_variance_gradient,
    words="variance",
)

STD = reduction(
    name="std",
    bind=bind,
    forward=lambda x, **attributes: np.sqrt(variance(x, **attributes)),
    vjp=_std_vjp,
    element=lambda call, index: root(_variance_element(call, index)),
    partials=_std_partials,
    formula=lambda call: root(_variance_formula(call)),
    gradient=_std_gradient,
    words="standard deviation",
)

# --- with the mean ----------------------------------------------------------------------

_MEAN = replace(
    MEAN,
    forward=lambda x, correction, **attributes: MEAN.forward(x, **attributes),
    vjp=lambda g, y, x, correction, **attributes: MEAN.vjp(g, y, x, **attributes),
)


def with_mean(name: str, spread: Rule) -> Rule:
    """Make the rule of an op whose first output is a spread and whose second the mean."""
    return each_output(spread, _MEAN, name=name, words=f"{spread.words}, and mean")


VAR_MEAN = with_mean("var_mean", VAR)
STD_MEAN = with_mean("std_mean", STD)
