"""The length of a tensor, or of its parts along some axes: `norm`, `linalg_vector_norm`, …

Their p is 2, the root of the summed squares, or 1, the sum of the sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..expression import ZERO, Add, Apply, Expression, Index, Number, Opaque, SumOver, evaluate
from ..trace import Array, Slot
from .reductions import reduced, sources, spread, spread_formula, target
from .rule import Bound, Call, NotExplained, Partial, Rule, called, normalized_axes

TWO = Number(2.0)
EUCLIDEAN = ("fro", None, 2)


def bound(input: Any, order: Any, dim: Any, keepdim: bool, dtype: Any) -> Bound:
    if dtype is not None:
        raise NotExplained("dtype")
    if order not in (*EUCLIDEAN, 1):
        raise NotExplained(f"the norm of order {order}")
    return (input,), {"p": 1 if order == 1 else 2, "dim": dim, "keepdim": keepdim}


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


def forward(x: Array, p: int, dim: Any, keepdim: bool) -> Array:
    axes = normalized_axes(dim, x.ndim)
    if p == 1:
        return np.asarray(np.abs(x).sum(axis=axes, keepdims=keepdim))
    return np.asarray(np.sqrt((x * x).sum(axis=axes, keepdims=keepdim)))


def vjp(g: Array, y: Array, x: Array, p: int, dim: Any, keepdim: bool) -> tuple[Array]:
    arriving = spread(np.asarray(g), x.shape, dim, keepdim)
    if p == 1:
        return (arriving * np.sign(x),)
    length = spread(np.asarray(y), x.shape, dim, keepdim)
    # Where all is 0 PyTorch passes nothing.
    zero = length == 0
    return (np.where(zero, np.zeros_like(x), arriving * x / np.where(zero, 1, length)),)


def sized(body: Expression, p: int) -> Expression:
    return Apply("abs", (body,)) if p == 1 else body**TWO


def element(call: Call, index: Index) -> Expression:
    p = call.attributes["p"]
    total = Add(tuple(sized(call.operands[0].at(at), p) for at in sources(call, index)))
    return total if p == 1 else Apply("sqrt", (total,))


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    x, out = call.operands[0].at(index), target(call, index)
    if call.attributes["p"] == 1:
        return [(out, Apply("sign", (x,)))]
    length = call.output.at(out)
    return [(out, x / length if evaluate(length) else ZERO)]


def formula(call: Call) -> Expression:
    p = call.attributes["p"]
    total = SumOver(sized(call.operands[0].whole(), p), reduced(call), call.output.shape)
    return total if p == 1 else Apply("sqrt", (total,))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    x = call.operands[0].whole()
    arriving = spread_formula(call, upstream)
    if call.attributes["p"] == 1:
        return arriving * Apply("sign", (x,))
    length = spread_formula(call, call.output.whole())
    if np.all(call.output.array):
        return arriving * x / length
    # A part of length 0 has no direction; it is left at 0, which a plain quotient is not.
    ratio = Opaque("direction", (x, length), (), _direction)
    return arriving * ratio


def _direction(x: Array, length: Array) -> Array:
    return np.where(length == 0, np.zeros_like(x), x / np.where(length == 0, 1, length))


_X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
_ZERO_ROW = np.array([[0.25, -1.0, 3.0], [0.0, 0.0, 0.0]])


def norm(name: str, torch: str, bind: Callable[..., Bound], order: str) -> Rule:
    """Make the rule of one of the names that a length has; `order` is what it calls its p."""
    squared: dict[str, Any] = {order: 2}
    absolute: dict[str, Any] = {order: 1}
    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words="length",
        torch=torch,
        examples=(
            called(bind, (_X,), Slot(0)),
            called(bind, (_X,), Slot(0), dim=1, **squared),
            called(bind, (_X,), Slot(0), dim=-2, keepdim=True, **absolute),
            called(bind, (_ZERO_ROW,), Slot(0), dim=1, keepdim=True, **squared),
        ),
        not_analytic="a length takes sizes",
        broadcasts=True,
    )


NORM = norm("norm", "torch.norm", bind_norm, "p")
VECTOR_NORM = norm("linalg_vector_norm", "torch.linalg.vector_norm", bind_vector_norm, "ord")
LINALG_NORM = norm("linalg_norm", "torch.linalg.norm", bind_linalg_norm, "ord")
