"""The same numbers in another shape: `view`, `reshape`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..expression import ONE, Expression, Index, Reshape
from .rule import Bound, Call, Example, NotExplained, Partial, Rule


def bind_shape(input: Any, *shape: Any, **kwargs: Any) -> Bound:
    """Bind `view(2, 3)`, `view((2, 3))` and `reshape(shape=(2, 3))`."""
    sizes = shape or (kwargs.get("shape", kwargs.get("size")),)
    flat = tuple(sizes[0]) if isinstance(sizes[0], list | tuple) else sizes
    if not all(isinstance(size, int) for size in flat):
        raise NotExplained(f"shape {flat!r}")
    return (input,), {"shape": flat}


def moved(index: Index, shape: tuple[int, ...], to: tuple[int, ...]) -> Index:
    """Return where an element of one shape stands in another of the same size."""
    if not shape:
        return (0,) * len(to)
    flat = np.ravel_multi_index(index, shape)
    return tuple(int(at) for at in np.unravel_index(flat, to)) if to else ()


def element(call: Call, index: Index) -> Expression:
    (x,) = call.operands
    return x.at(moved(index, call.output.shape, x.shape))


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    return [(moved(index, call.operands[0].shape, call.output.shape), ONE)]


def formula(call: Call) -> Expression:
    return Reshape(call.operands[0].whole(), call.output.shape)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return Reshape(upstream, call.operands[0].shape)


def reshaping(name: str, bind: Callable[..., Bound], torch: str, *examples: Example) -> Rule:
    """Make the rule of an op that only lays the same numbers out anew."""
    return Rule(
        name=name,
        bind=bind,
        forward=lambda x, shape: x.reshape(shape),
        vjp=lambda g, y, x, shape: (g.reshape(x.shape),),
        element=element,
        partials=partials,
        formula=formula,
        gradient=gradient,
        words="the same numbers in another shape",
        torch=torch,
        examples=examples,
    )


_X = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
_EXAMPLES = (
    Example((_X,), {"shape": (3, 2)}),
    Example((_X,), {"shape": (-1,)}),
    Example((_X[:1, :1],), {"shape": ()}),
    Example((np.array(2.5),), {"shape": (1, 1)}),
)

VIEW = reshaping("view", bind_shape, "torch.Tensor.view", *_EXAMPLES)
RESHAPE = reshaping("reshape", bind_shape, "torch.reshape", *_EXAMPLES)
