"""The length of a tensor, or of its parts along some axes: `norm`, `linalg_vector_norm`, …

Their order p is 2, the root of the summed squares; 1, the sum of the sizes; infinity, the
largest size, or its negative, the smallest; 0, how many are not 0; or any other number, the
p-th root of the summed p-th powers. Of a length that is 0 PyTorch passes nothing, and of several
that are the largest each gets its share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import absolute, root, sign
from ...symbolic.expression import (
    ONE,
    ZERO,
    Add,
    Apply,
    Div,
    Expression,
    Index,
    Number,
    Opaque,
    SumOver,
)
from ...symbolic.measure import evaluate
from ...trace import Array
from ..binding import Bound, Ignored, NotExplained, Read, Refused, binder
from ..broadcasting import normalized_axes
from ..rule import Call, Partial
from .axes import axis_options, reduced, reduction, sources, spread_formula, target
from .max_min import shares

EUCLIDEAN = ("fro", None, 2)


def order(p: Any) -> int | float:
    """Return an order as the rules here have it, a whole one as a whole number."""
    if p in EUCLIDEAN:
        return 2
    if not isinstance(p, int | float) or math.isnan(p):
        raise NotExplained(f"the norm of order {p}")
    return int(p) if float(p).is_integer() else float(p)


def binding(order_name: str, usual: Any) -> Callable[..., Bound]:
    """Return the `bind` of a length whose order has this name."""
    # `Tensor.norm`, which is written in Python, names its `out` as well.
    settings: dict[str, Any] = {order_name: Read(order, usual), "dim": None, "keepdim": False}
    bound = binder("input", **settings, out=Ignored(), dtype=Refused())
    return bound.then(lambda attributes: {"p": attributes.pop(order_name), **attributes})


def bind_linalg_norm(
    input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, **kwargs: Any
) -> Bound:
    # Over two axes an order speaks of a matrix: 2 is then its largest singular value.
    if ord is not None and not isinstance(dim, int):
        raise NotExplained(f"the norm of order {ord} of a matrix")
    return VECTOR_NORM.bind(input, ord, dim, keepdim, **kwargs)


def forward(x: Array, p: float, dim: Any, keepdim: bool, shared: bool = True) -> Array:
    axes = normalized_axes(dim, x.ndim)
    if p == 2:
        return np.asarray(np.sqrt((x * x).sum(axis=axes, keepdims=keepdim)))
    sizes = np.abs(x)
    if math.isinf(p):
        return np.asarray((np.max if p > 0 else np.min)(sizes, axis=axes, keepdims=keepdim))
    with np.errstate(divide="ignore"):  # a negative power of 0 is infinite
        each = sized_array(sizes, p)
        total = np.asarray(each.sum(axis=axes, keepdims=keepdim))
        return np.asarray(total if p in (0, 1) else total ** (1 / p))


def sized_array(sizes: Array, p: float) -> Array:
    if p == 0:
        return np.asarray(sizes != 0).astype(sizes.dtype)
    return np.asarray(sizes if p == 1 else sizes**p)


def ratio(x: Expression, length: Expression, p: float) -> tuple[Expression, Expression]:
    """Write what the slope at each number is the quotient of; where the second is 0, it is 0.

    Of orders below 1 it is 0 in a number that is 0, where it would be infinite; of the others
    in a whole length that is 0.
    """
    if p == 2:
        return x, length
    size = absolute(x)
    if p < 1:
        return sign(x) * power(length, 1 - p), power(size, 1 - p)
    # An even order's power keeps the sign by itself.
    return power(x, p - 1) if p % 2 == 0 else sign(x) * power(size, p - 1), power(length, p - 1)


def power(body: Expression, exponent: float) -> Expression:
    return body if exponent == 1 else body ** Number(float(exponent))


def sized(body: Expression, p: float) -> Expression:
    if p == 0:
        return ONE - Apply("is_zero", (body,))
    if p % 2 == 0:  # a sign vanishes by itself
        return body ** Number(float(p))
    return power(absolute(body), p)


def rooted(total: Expression, p: float) -> Expression:
    if p in (0, 1):
        return total
    if p == 2:
        return root(total)
    exponent = Div(ONE, Number(float(p))) if p > 1 else Number(1 / p)
    return total**exponent


def element(call: Call, index: Index) -> Expression:
    p, x = call.attributes["p"], call.operands[0]
    if math.isinf(p):
        sizes, length = np.abs(x.array), call.output.array[index]
        chosen = next(at for at in sources(call, index) if sizes[at] == length)
        return absolute(x.at(chosen))
    return rooted(Add(tuple(sized(x.at(at), p) for at in sources(call, index))), p)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    p, x, out = call.attributes["p"], call.operands[0].at(index), target(call, index)
    if p == 0:
        return []
    if p == 1:
        return [(out, sign(x))]
    if math.isinf(p):
        weight = float(_shares_of(call)[index])
        return [(out, sign(x) if weight == 1 else sign(x) * Number(weight))] if weight else []
    above, below = ratio(x, call.output.at(out), p)
    return [(out, above / below if evaluate(below) else ZERO)]


def _shares_of(call: Call) -> Array:
    settings = {key: value for key, value in call.attributes.items() if key != "p"}
    return shares(np.abs(call.operands[0].array), call.output.array, **settings)


def formula(call: Call) -> Expression:
    p, x = call.attributes["p"], call.operands[0].whole()
    if not math.isinf(p):
        total = SumOver(sized(x, p), reduced(call), call.output.shape)
        return rooted(total, p)
    attributes, options = call.attributes, axis_options(call, keepdim=True)
    return Opaque(
        _extreme(call), (absolute(x),), options, lambda sizes: forward(sizes, **attributes)
    )


def _extreme(call: Call) -> str:
    return "amax" if call.attributes["p"] > 0 else "amin"


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    p, x = call.attributes["p"], call.operands[0].whole()
    arriving = spread_formula(call, upstream)
    if p == 0:
        return ZERO
    if p == 1:
        return arriving * sign(x)
    if math.isinf(p):
        chosen, shared = _shares_of(call), call.attributes.get("shared", True)
        # Written as the slope of the largest size, which is shared.
        name = f"{_extreme(call)}'" if shared else "is_largest"
        local = Opaque(name, (absolute(x),), axis_options(call), lambda _: chosen)
        return arriving * local * sign(x)
    length = spread_formula(call, call.output.whole())
    above, below = ratio(x, length, p)
    if np.all(call.operands[0].array if p < 1 else call.output.array):
        return arriving * above / below
    # A part of length 0 has no direction; it is left at 0, which a plain quotient is not.
    name = "direction" if p == 2 else "quotient"
    return arriving * Opaque(name, (above, below), (), _direction)


def _direction(above: Array, below: Array) -> Array:
    zero = below == 0
    return np.where(zero, np.zeros_like(above), above / np.where(zero, 1, below))


NORM = reduction(
    name="norm",
    bind=binding("p", "fro"),
    forward=forward,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="length",
)
VECTOR_NORM = replace(NORM, name="linalg_vector_norm", bind=binding("ord", 2))
LINALG_NORM = replace(NORM, name="linalg_norm", bind=bind_linalg_norm)
