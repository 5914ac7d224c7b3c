"""The length of a tensor, or of its parts along some axes: `norm`, `linalg_vector_norm`, …

Their order p is 2, the root of the summed squares; 1, the sum of the sizes; infinity, the
largest size, or its negative, the smallest; 0, how many are not 0; or any other number, the
p-th root of the summed p-th powers. Of a length that is 0 PyTorch passes nothing, and of several
that are the largest each gets its share.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

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
    evaluate,
)
from ...trace import Array
from ..rule import (
    Bound,
    Call,
    NotExplained,
    Options,
    Partial,
    Rule,
    normalized_axes,
)
from .sum_mean import reduced, sources, spread, spread_formula, target

TWO = Number(2.0)
EUCLIDEAN = ("fro", None, 2)


def order(p: Any) -> int | float:
    """Return an order as the rules here have it, a whole one as a whole number."""
    if p in EUCLIDEAN:
        return 2
    if not isinstance(p, int | float) or math.isnan(p):
        raise NotExplained(f"the norm of order {p}")
    return int(p) if float(p).is_integer() else float(p)


def bound(input: Any, p: Any, dim: Any, keepdim: bool, dtype: Any) -> Bound:
    if dtype is not None:
        raise NotExplained("dtype")
    return (input,), {"p": order(p), "dim": dim, "keepdim": keepdim}


def bind_norm(
    input: Any,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: None = None,  # named by `Tensor.norm`, which is written in Python
    dtype: Any = None,
) -> Bound:
    return bound(input, p, dim, keepdim, dtype)


def bind_vector_norm(
    input: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Bound:
    return bound(input, ord, dim, keepdim, dtype)


def bind_linalg_norm(
    input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Bound:
    # Over two axes an order speaks of a matrix: 2 is then its largest singular value.
    if ord is not None and not isinstance(dim, int):
        raise NotExplained(f"the norm of order {ord} of a matrix")
    return bound(input, ord, dim, keepdim, dtype)


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


def vjp(
    g: Array, y: Array, x: Array, p: float, dim: Any, keepdim: bool, shared: bool = True
) -> tuple[Array]:
    """Return the gradient; see `weights` for what `shared` says."""
    arriving = spread(np.asarray(g), x.shape, dim, keepdim)
    if p == 0:
        return (np.zeros_like(x),)
    if p == 1:
        return (arriving * np.sign(x),)
    length = spread(np.asarray(y), x.shape, dim, keepdim)
    if math.isinf(p):
        return (arriving * np.sign(x) * weights(x, length, dim, shared),)
    return (arriving * _direction(*_ratio(x, length, p)),)


def weights(x: Array, length: Array, dim: Any, shared: bool) -> Array:
    """Return how much of a largest size's gradient each number gets.

    Those of the same size get a share each, or, where they do not share, all of it each.
    """
    same: Array = (np.abs(x) == length).astype(x.dtype)
    if not shared:
        return same
    return np.asarray(same / same.sum(axis=normalized_axes(dim, x.ndim), keepdims=True))


def _ratio(x: Array, length: Array, p: float) -> tuple[Array, Array]:
    """Return what the slope at each number is the quotient of; where the second is 0, it is 0.

    Of orders below 1 it is 0 in a number that is 0, where it would be infinite; of the others
    in a whole length that is 0.
    """
    if p == 2:
        return x, length
    if p < 1:
        return np.sign(x) * length ** (1 - p), np.asarray(np.abs(x) ** (1 - p))
    return np.sign(x) * np.abs(x) ** (p - 1), np.asarray(length ** (p - 1))


def ratio(x: Expression, length: Expression, p: float) -> tuple[Expression, Expression]:
    """Write the same."""
    if p == 2:
        return x, length
    size, sign = Apply("abs", (x,)), Apply("sign", (x,))
    if p < 1:
        return sign * power(length, 1 - p), power(size, 1 - p)
    # An even order's power keeps the sign by itself.
    return power(x, p - 1) if p % 2 == 0 else sign * power(size, p - 1), power(length, p - 1)


def power(body: Expression, exponent: float) -> Expression:
    return body if exponent == 1 else body ** Number(float(exponent))


def sized(body: Expression, p: float) -> Expression:
    if p == 0:
        return ONE - Apply("is_zero", (body,))
    if p % 2 == 0:  # a sign vanishes by itself
        return body ** Number(float(p))
    return power(Apply("abs", (body,)), p)


def rooted(total: Expression, p: float) -> Expression:
    if p in (0, 1):
        return total
    if p == 2:
        return Apply("sqrt", (total,))
    exponent = Div(ONE, Number(float(p))) if p > 1 else Number(1 / p)
    return total**exponent


def element(call: Call, index: Index) -> Expression:
    p, x = call.attributes["p"], call.operands[0]
    if math.isinf(p):
        sizes, length = np.abs(x.array), call.output.array[index]
        chosen = next(at for at in sources(call, index) if sizes[at] == length)
        return Apply("abs", (x.at(chosen),))
    return rooted(Add(tuple(sized(x.at(at), p) for at in sources(call, index))), p)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    p, x, out = call.attributes["p"], call.operands[0].at(index), target(call, index)
    if p == 0:
        return []
    if p == 1:
        return [(out, Apply("sign", (x,)))]
    if math.isinf(p):
        weight = float(_weights_of(call)[index])
        sign = Apply("sign", (x,))
        return [(out, sign if weight == 1 else sign * Number(weight))] if weight else []
    above, below = ratio(x, call.output.at(out), p)
    return [(out, above / below if evaluate(below) else ZERO)]


def _weights_of(call: Call) -> Array:
    attributes, x = call.attributes, call.operands[0].array
    dim, keepdim = attributes["dim"], attributes["keepdim"]
    length = spread(np.asarray(call.output.array), x.shape, dim, keepdim)
    return weights(x, length, dim, attributes.get("shared", True))


def formula(call: Call) -> Expression:
    p, x = call.attributes["p"], call.operands[0].whole()
    if not math.isinf(p):
        total = SumOver(sized(x, p), reduced(call), call.output.shape)
        return rooted(total, p)
    options = _along(call)
    if call.attributes["keepdim"]:
        options = (*options, ("keepdim", True))
    attributes = dict(call.attributes)
    return Opaque(
        _extreme(call), (Apply("abs", (x,)),), options, lambda sizes: forward(sizes, **attributes)
    )


def _extreme(call: Call) -> str:
    return "amax" if call.attributes["p"] > 0 else "amin"


def _along(call: Call) -> Options:
    axes = reduced(call)
    if call.attributes["dim"] is None:
        return ()
    return (("dim", axes[0] if len(axes) == 1 else axes),)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    p, x = call.attributes["p"], call.operands[0].whole()
    arriving = spread_formula(call, upstream)
    if p == 0:
        return ZERO
    if p == 1:
        return arriving * Apply("sign", (x,))
    if math.isinf(p):
        chosen, shared = _weights_of(call), call.attributes.get("shared", True)
        # Written as the slope of the largest size, which is shared.
        name = f"{_extreme(call)}'" if shared else "is_largest"
        local = Opaque(name, (Apply("abs", (x,)),), _along(call), lambda _: chosen)
        return arriving * local * Apply("sign", (x,))
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


def norm(name: str, torch: str, bind: Callable[..., Bound], order: str) -> Rule:
    """Make the rule of one of the names that a length has; `order` is what it calls its p."""
    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        kind="reduction",
        words="length",
        torch=torch,
        broadcasts=True,
    )


NORM = norm("norm", "torch.norm", bind_norm, "p")
VECTOR_NORM = norm("linalg_vector_norm", "torch.linalg.vector_norm", bind_vector_norm, "ord")
LINALG_NORM = norm("linalg_norm", "torch.linalg.norm", bind_linalg_norm, "ord")
