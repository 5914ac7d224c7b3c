"""The same numbers with their axes in another order: `transpose`, `permute`, `t`, `T`, `mT`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Opaque, Transpose
from ...symbolic.shapes import expanded, shape_of
from ...trace import Array
from ..binding import REQUIRED, Bound, NotExplained, binder, whole_numbers
from ..copying import copying
from ..rule import Call, Rule

Order = tuple[int, ...]
# The order of the axes: from the operand's rank and the call's attributes.
OrderOf = Callable[..., Order]


def reordered(body: Expression, order: Order) -> Expression:
    """Return a whole tensor with its axes in another order, a plain transpose as such."""
    rank = len(order)
    if order == tuple(range(rank)):
        return body
    if order == (*range(rank - 2), rank - 1, rank - 2):
        return Transpose(body)
    name = f".permute({', '.join(map(str, order))})"
    return Opaque(name, (body,), (), lambda array: np.transpose(array, order))


def inverse(order: Order) -> Order:
    return tuple(order.index(axis) for axis in range(len(order)))


def reordering(name: str, *, bind: Callable[..., Bound], order: OrderOf, torch: str = "") -> Rule:
    """Make the rule of an op that only reorders axes: `order(rank, **attributes)`."""

    def forward(x: Array, **attributes: Any) -> Array:
        return np.transpose(x, order(x.ndim, **attributes))

    def axes(call: Call) -> Order:
        return order(len(call.output.shape), **call.attributes)

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        if not shape_of(upstream):
            return upstream  # one number, whichever way the axes lie
        return reordered(expanded(upstream, call.output.shape), inverse(axes(call)))

    return copying(
        name,
        bind=bind,
        forward=forward,
        formula=lambda call: reordered(call.operands[0].whole(), axes(call)),
        gradient=gradient,
        words="the same numbers, axes in another order",
        torch=torch,
        broadcasts=True,
    )


def swapped(rank: int, dim0: int, dim1: int) -> Order:
    axes = list(range(rank))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return tuple(axes)


def bind_permute(input: Any, *positional: Any, dims: Any = None) -> Bound:
    return (input,), {"dims": whole_numbers("dims", positional, dims)}


def bind_movedim(input: Any, source: Any, destination: Any) -> Bound:
    if not isinstance(source, int) or not isinstance(destination, int):
        raise NotExplained("several axes moved at once")
    return (input,), {"source": source, "destination": destination}


def moved(rank: int, source: int, destination: int) -> Order:
    axes = list(range(rank))
    axes.insert(destination % rank, axes.pop(source))
    return tuple(axes)


TRANSPOSE = reordering(
    "transpose", bind=binder("input", dim0=REQUIRED, dim1=REQUIRED), order=swapped
)
PERMUTE = reordering(
    "permute", bind=bind_permute, order=lambda rank, dims: tuple(dim % rank for dim in dims)
)
MOVEDIM = reordering("movedim", bind=bind_movedim, order=moved)
T = reordering("t", bind=binder("input"), order=lambda rank: tuple(reversed(range(rank))))
# `x.T` and `x.mT` are properties, which the tests read by the function behind them.
REVERSED = reordering(
    "T",
    bind=binder("input"),
    order=lambda rank: tuple(reversed(range(rank))),
    torch="torch.Tensor.T.__get__",
)
MATRIX_TRANSPOSE = reordering(
    "mT",
    bind=binder("input"),
    order=lambda rank: swapped(rank, -1, -2),
    torch="torch.Tensor.mT.__get__",
)
