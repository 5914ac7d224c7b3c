"""Sums and means over some or all axes: `sum`, `mean`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from ...symbolic.expression import (
    ONE,
    Add,
    Div,
    Expression,
    Index,
    MatMul,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Reshape,
    SumOver,
)
from ...symbolic.shapes import expanded, shape_of
from ...symbolic.text import to_text
from ...trace import Array
from ..rule import (
    Bound,
    Call,
    Operand,
    Partial,
    Rule,
    indices,
    normalized_axes,
)
from .long_sums import total

Where = Sequence[int | slice]  # which part of a tensor, axis by axis
LONGEST_PART = 32  # characters of what has no name, before a line only tells it from others


def bind(
    input: Any,
    dim: int | Iterable[int] | None = None,
    keepdim: bool = False,
    *,
    axis: int | Iterable[int] | None = None,
    dtype: Any = None,
) -> Bound:
    return (input,), {"dim": axis if dim is None else dim, "keepdim": keepdim}


def reduced(call: Call) -> tuple[int, ...]:
    """The axes that are summed over."""
    return normalized_axes(call.attributes["dim"], len(call.operands[0].shape))


def count(call: Call) -> int:
    """How many elements go into each output element."""
    shape = call.operands[0].shape
    return prod(shape[axis] for axis in reduced(call))


def sources(call: Call, index: Index) -> Iterator[Index]:
    """Yield the input indices that one output element sums."""
    shape = call.operands[0].shape
    axes = reduced(call)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    positions = [index[a] for a in kept] if call.attributes["keepdim"] else list(index)
    for inner in indices(shape[axis] for axis in axes):
        full = [0] * len(shape)
        for axis, at in zip(kept, positions, strict=True):
            full[axis] = at
        for axis, at in zip(axes, inner, strict=True):
            full[axis] = at
        yield tuple(full)


def target(call: Call, index: Index) -> Index:
    """Return the output index that an input element went into."""
    axes = reduced(call)
    if call.attributes["keepdim"]:
        return tuple(0 if axis in axes else at for axis, at in enumerate(index))
    return tuple(at for axis, at in enumerate(index) if axis not in axes)


def mean_of(
    x: Operand, numbers: Array, members: Callable[[], Iterable[Index]], where: Where
) -> Ref:
    """Write the mean of a part of a tensor as a number of its own: `mean(h[0,:])`.

    A line that uses it stays readable; how it is made follows when it is asked for, and only
    then are the indices of the part's `members` gone through.
    """

    def made() -> Expression:
        return Div(Add(tuple(map(x.at, members()))), Number(float(numbers.size)))

    value = float(numbers.astype(np.float64).mean())
    return Ref(f"mean({part_of(x, where)})", value=value, made=made)


def variance_of(
    x: Operand, numbers: Array, members: Callable[[], Iterable[Index]], where: Where, mean: Ref
) -> Ref:
    """Write the variance of a part likewise: its mean squared distance from `mean`."""

    def made() -> Expression:
        squares = tuple((x.at(at) - mean) ** Number(2.0) for at in members())
        return Div(Add(squares), Number(float(numbers.size)))

    value = float(numbers.astype(np.float64).var())
    return Ref(f"var({part_of(x, where)})", value=value, made=made)


def part_of(x: Operand, where: Where) -> str:
    """Write a part of a tensor: `h[0,:]`, or `h.reshape(1, 6)[0,:]` where it has no name.

    Axes that an index of the tensor leaves out, as that of a batch of one, are left out here.
    """
    whole = x.whole()
    if isinstance(whole, Ref):
        first = x.at((0,) * len(x.shape)) if x.array.size else whole
        drop = len(x.shape) - len(first.index) if isinstance(first, Ref) and first.index else 0
        marks = _marks(where[drop:])
        return f"{whole.name}[{marks}]" if marks.strip(":,") else whole.name
    marks = _marks(where)
    text = to_text(whole)
    if isinstance(whole, Add | Mul | Neg | Div | Pow | MatMul):
        text = f"({text})"
    if len(text) > LONGEST_PART:
        # Too long to be written, but no two that differ may go by one name.
        text = f"input_{zlib.crc32(text.encode()) & 0xFFFF:04x}"
    return f"{text}[{marks}]"


def _marks(where: Where) -> str:
    """Write which part is meant: `0,:`."""
    return ",".join(
        (":" if part.start is None else f"{part.start}:{part.stop}")
        if isinstance(part, slice)
        else str(part)
        for part in where
    )


def spread(upstream: Array, shape: tuple[int, ...], dim: Any, keepdim: bool) -> Array:
    """Give every summed element its output's upstream gradient."""
    axes = normalized_axes(dim, len(shape))
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return np.broadcast_to(upstream.reshape(kept), shape)


def spread_formula(call: Call, upstream: Expression) -> Expression:
    # A number broadcasts by itself; otherwise the summed axes come back with length 1.
    if not call.output.shape or not shape_of(upstream):
        return upstream
    axes = reduced(call)
    shape = call.operands[0].shape
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if call.output.shape == kept:
        return upstream
    return Reshape(expanded(upstream, call.output.shape), kept)


def _sum_element(call: Call, index: Index) -> Expression:
    if count(call) == prod(call.operands[0].shape) > 1:
        return total(call.operands[0])
    terms = tuple(call.operands[0].at(source) for source in sources(call, index))
    return Add(terms) if len(terms) > 1 else terms[0]


def _mean_element(call: Call, index: Index) -> Expression:
    return Div(_sum_element(call, index), Number(float(count(call))))


def _sum_formula(call: Call) -> Expression:
    x = call.operands[0]
    return SumOver(expanded(x.whole(), x.shape), reduced(call), call.output.shape)


SUM = Rule(
    name="sum",
    bind=bind,
    forward=lambda x, dim, keepdim: np.asarray(
        x.sum(axis=normalized_axes(dim, x.ndim), keepdims=keepdim)
    ),
    vjp=lambda g, y, x, dim, keepdim: (spread(g, x.shape, dim, keepdim),),
    element=_sum_element,
    partials=lambda call, position, index: [(target(call, index), ONE)],
    formula=_sum_formula,
    gradient=lambda call, position, upstream: spread_formula(call, upstream),
    kind="reduction",
    words="sum",
    torch="torch.sum",
    broadcasts=True,
)


def _mean_partials(call: Call, position: int, index: Index) -> list[Partial]:
    return [(target(call, index), Div(ONE, Number(float(count(call)))))]


MEAN = Rule(
    name="mean",
    bind=bind,
    forward=lambda x, dim, keepdim: np.asarray(
        x.mean(axis=normalized_axes(dim, x.ndim), keepdims=keepdim)
    ),
    vjp=lambda g, y, x, dim, keepdim: (
        spread(g, x.shape, dim, keepdim) / (x.size / max(g.size, 1)),
    ),
    element=_mean_element,
    partials=_mean_partials,
    formula=lambda call: Div(_sum_formula(call), Number(float(count(call)))),
    gradient=lambda call, position, upstream: (
        spread_formula(call, upstream) * Div(ONE, Number(float(count(call))))
    ),
    kind="reduction",
    words="mean",
    torch="torch.mean",
    broadcasts=True,
)
