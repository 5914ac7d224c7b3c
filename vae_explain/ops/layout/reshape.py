"""The same numbers in another shape: `view`, `reshape`, `flatten`, `squeeze`, `unsqueeze`, …"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ZERO, Expression, Reshape
from ...symbolic.shapes import expanded, shape_of
from ..binding import REQUIRED, Bound, binder, whole_numbers
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
        broadcasts=True,
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


def bind_unflatten(input: Any, dim: int, sizes: Any) -> Bound:
    return (input,), {"dim": dim, "sizes": tuple(sizes)}


def unflattened(own: Shape, dim: int, sizes: Shape) -> Shape:
    at = dim % len(own)
    known = int(np.prod([size for size in sizes if size != -1]))
    parts = tuple(own[at] // known if size == -1 else size for size in sizes)
    return (*own[:at], *parts, *own[at + 1 :])


UNFLATTEN = reshaping("unflatten", bind_unflatten, unflattened)


def bind_squeeze(input: Any, dim: Any = None) -> Bound:
    return (input,), {"dim": dim if dim is None or isinstance(dim, int) else tuple(dim)}


def squeezed(own: Shape, dim: int | Shape | None) -> Shape:
    chosen = range(len(own)) if dim is None else (dim,) if isinstance(dim, int) else dim
    gone = {axis % max(len(own), 1) for axis in chosen}
    return tuple(size for axis, size in enumerate(own) if axis not in gone or size != 1)


SQUEEZE = reshaping("squeeze", bind_squeeze, squeezed)


def unsqueezed(own: Shape, dim: int) -> Shape:
    at = dim % (len(own) + 1)
    return (*own[:at], 1, *own[at:])


UNSQUEEZE = reshaping("unsqueeze", binder("input", dim=REQUIRED), unsqueezed)
