"""`rms_norm`: each sample divided by the root of its mean square, over its last axes.

Zhang and Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4. One element
is told with that root as a number of its own, `rms(h[0,:])`, which says itself how it is
made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.build import TWO, root
from ...symbolic.expression import (
    Add,
    Div,
    Expression,
    Index,
    Number,
    Opaque,
    Ref,
)
from ...trace import Array
from ..reduction.parts import part_of
from ..rule import Bound, Call, Partial, Rule, indices, sum_to


def bind(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Bound:
    features = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    operands = (input,) if weight is None else (input, weight)
    return operands, {"features": features, "eps": eps}


def _axes(rank: int, features: int) -> tuple[int, ...]:
    return tuple(range(rank - features, rank))


def _added(dtype: Any, eps: float | None) -> float:
    """Return eps; where none is given, the spacing of the numbers beside 1, as PyTorch does."""
    # As short as its precision writes it: 1.1920929e-07.
    return float(str(np.finfo(dtype).eps)) if eps is None else eps


# --- whole tensors ----------------------------------------------------------------------


def _divided(x: Array, features: int, eps: float | None) -> tuple[Array, Array]:
    """Return x over the root of its mean square, and that root."""
    square = (x * x).mean(axis=_axes(x.ndim, features), keepdims=True)
    divisor = np.sqrt(square + np.asarray(_added(x.dtype, eps), x.dtype))
    return x / divisor, divisor


def forward(x: Array, *weight: Array, features: int, eps: float | None) -> Array:
    found, _ = _divided(x, features, eps)
    return found * weight[0] if weight else found


def vjp(
    upstream: Array, output: Array, x: Array, *weight: Array, features: int, eps: float | None
) -> tuple[Array, ...]:
    divided, divisor = _divided(x, features, eps)
    arriving = upstream * weight[0] if weight else upstream
    # What stretches the sample as a whole is taken out again by the norm.
    stretch = (arriving * divided).mean(axis=_axes(x.ndim, features), keepdims=True)
    to_x = (arriving - divided * stretch) / divisor
    if not weight:
        return (to_x,)
    return to_x, (upstream * divided).sum(axis=tuple(range(x.ndim - features)))


# --- one element ------------------------------------------------------------------------


def _members(index: Index, shape: tuple[int, ...], features: int) -> list[Index]:
    lead = index[: len(shape) - features]
    return [(*lead, *place) for place in indices(shape[len(lead) :])]


def _root_at(call: Call, index: Index) -> Expression:
    """Write what an element is divided by, the root over its sample."""
    x, features = call.operands[0], call.attributes["features"]
    where = (*index[: len(x.shape) - features], *(slice(None),) * features)
    numbers = x.array[where].astype(np.float64)
    eps = _added(x.array.dtype, call.attributes["eps"])

    def made() -> Expression:
        squares = tuple(x.at(at) ** TWO for at in _members(index, x.shape, features))
        return root(Div(Add(squares), Number(float(numbers.size))) + Number(eps))

    value = float(np.sqrt((numbers * numbers).mean() + eps))
    return Ref(f"rms({part_of(x, where)})", value=value, made=made)


def _own(call: Call, index: Index) -> Index:
    return index[len(index) - call.attributes["features"] :]


def _normalized(call: Call, index: Index) -> Expression:
    return call.operands[0].at(index) / _root_at(call, index)


def element(call: Call, index: Index) -> Expression:
    found = _normalized(call, index)
    weight = call.operands[1:]
    return weight[0].at(_own(call, index)) * found if weight else found


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x, *weight = call.operands
    features = call.attributes["features"]
    if position:
        leads = indices(x.shape[: len(x.shape) - features])
        return [((*lead, *index), _normalized(call, (*lead, *index))) for lead in leads]
    divisor = _root_at(call, index)
    members = _members(index, x.shape, features)
    count = Number(float(len(members)))
    found: list[Partial] = []
    for out in members:
        # By the element itself, and by the root: n·[own] - …, over n times the root.
        both = x.at(out) * x.at(index) / divisor**TWO
        direct = count - both if out == index else -both
        local = direct / (count * divisor)
        found.append((out, weight[0].at(_own(call, out)) * local if weight else local))
    return found


# --- whole tensors as formulas ----------------------------------------------------------


def _mean(call: Call, body: Expression) -> Expression:
    axes = _axes(len(call.output.shape), call.attributes["features"])
    written = axes[0] if len(axes) == 1 else axes

    def compute(array: Array) -> Array:
        average: Array = np.mean(array, axis=axes, keepdims=True)
        return average

    return Opaque("mean", (body,), (("dim", written),), compute)


def _root(call: Call) -> Expression:
    x = call.operands[0]
    eps = Number(_added(x.array.dtype, call.attributes["eps"]))
    return root(_mean(call, x.whole() ** TWO) + eps)


def formula(call: Call) -> Expression:
    x, *weight = call.operands
    found = x.whole() / _root(call)
    return weight[0].whole() * found if weight else found


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x, *weight = call.operands
    divisor = _root(call)
    divided = x.whole() / divisor
    if position:
        return sum_to(upstream * divided, x.shape, weight[0].shape)
    arriving = upstream * weight[0].whole() if weight else upstream
    return Div(arriving - divided * _mean(call, arriving * divided), divisor)


RMS_NORM = Rule(
    name="rms_norm",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    kind="normalization",
    title="RMS norm",
    words="each sample divided by the root of its mean square",
    functional=True,
)
