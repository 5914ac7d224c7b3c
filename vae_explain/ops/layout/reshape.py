"""The same numbers in another shape, or with their axes in another order.

`view`, `reshape`, `flatten`, `squeeze`, `unsqueeze`, …; `transpose`, `permute`, `t`, `T`, `mT`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ZERO, Expression, Opaque, Reshape, Transpose
from ...symbolic.shapes import expanded, shape_of
from ...trace import Array
from ..binding import REQUIRED, Bound, NotExplained, Read, binder, whole_numbers
from ..copying import FIRST, Shape, copying
from ..rule import Call, Rule

# What the shape becomes: from the operand's shape and the call's attributes.
ShapeOf = Callable[..., Shape]


def reshaped(body: Expression, shape: Shape, to: Shape) -> Expression:
    if shape == to:
        return body
    # The shape between two reshapes leaves no trace.
    return Reshape(body.body if isinstance(body, Reshape) else body, to)


def formula(call: Call) -> Expression:
    x = call.operands[0]
    return reshaped(expanded(x.whole(), x.shape), x.shape, call.output.shape)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position:
        return ZERO
    if not shape_of(upstream):
        return upstream  # one number, in any shape
    shape = call.output.shape
    return reshaped(expanded(upstream, shape), shape, call.operands[0].shape)


def reshaping(name: str, bind: Callable[..., Bound], to: ShapeOf, torch: str = "") -> Rule:
    """Make the rule of an op that only lays the same numbers out anew."""
    return copying(
        name,
        bind=bind,
        forward=lambda x, *others, **attributes: x.reshape(to(x.shape, *others, **attributes)),
        copied=FIRST,
        formula=formula,
        gradient=gradient,
        words="the same numbers in another shape",
        torch=torch,
        gradient_broadcasts=True,
    )


# --- to a shape that is given -----------------------------------------------------------


def bind_shape(input: Any, *positional: Any, **by_name: Any) -> Bound:
    shape = by_name.get("shape", by_name.get("size"))
    return (input,), {"shape": whole_numbers("shape", positional, shape)}


VIEW = reshaping("view", bind_shape, lambda own, shape: shape, "torch.Tensor.view")
RESHAPE = reshaping("reshape", bind_shape, lambda own, shape: shape)
VIEW_AS = reshaping(
    "view_as", binder("input", "other"), lambda own, other: other.shape, "torch.Tensor.view_as"
)

# --- some axes made one, one made several, and axes of length 1 -------------------------


def flattened(own: Shape, start_dim: int, end_dim: int) -> Shape:
    if not own:
        return (1,)
    start, end = start_dim % len(own), end_dim % len(own)
    return (*own[:start], int(np.prod(own[start : end + 1])), *own[end + 1 :])


FLATTEN = reshaping("flatten", binder("input", start_dim=0, end_dim=-1), flattened)


def unflattened(own: Shape, dim: int, sizes: Shape) -> Shape:
    at = dim % len(own)
    known = int(np.prod([size for size in sizes if size != -1]))
    parts = tuple(own[at] // known if size == -1 else size for size in sizes)
    return (*own[:at], *parts, *own[at + 1 :])


UNFLATTEN = reshaping("unflatten", binder("input", dim=REQUIRED, sizes=Read(tuple)), unflattened)


def squeezed(own: Shape, dim: int | Shape | None) -> Shape:
    chosen = range(len(own)) if dim is None else (dim,) if isinstance(dim, int) else dim
    gone = {axis % max(len(own), 1) for axis in chosen}
    return tuple(size for axis, size in enumerate(own) if axis not in gone or size != 1)


SQUEEZE = reshaping("squeeze", binder("input", dim=None), squeezed)


def unsqueezed(own: Shape, dim: int) -> Shape:
    at = dim % (len(own) + 1)
    return (*own[:at], 1, *own[at:])


UNSQUEEZE = reshaping("unsqueeze", binder("input", dim=REQUIRED), unsqueezed)

# --- axes in another order --------------------------------------------------------------

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
        gradient_broadcasts=True,
    )


def swapped(rank: int, dim0: int, dim1: int) -> Order:
    axes = list(range(rank))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return tuple(axes)


def bind_permute(input: Any, *positional: Any, dims: Any = None) -> Bound:
    return (input,), {"dims": whole_numbers("dims", positional, dims)}


def one_axis(dim: Any) -> int:
    if not isinstance(dim, int):
        raise NotExplained("several axes moved at once")
    return dim


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
MOVEDIM = reordering(
    "movedim",
    bind=binder("input", source=Read(one_axis), destination=Read(one_axis)),
    order=moved,
)
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
