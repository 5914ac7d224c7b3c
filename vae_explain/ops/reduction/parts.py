"""Parts of a tensor, and what is computed of one, as numbers that only a line speaks of."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.build import TWO, root
from ...symbolic.expression import Add, Div, Expression, Index, MatMul, Mul, Neg, Number, Pow, Ref
from ...symbolic.text import to_text
from ...trace import Array
from ..at_once import grid, sum_of
from ..broadcasting import each_of
from ..rule import Operand

Where = tuple[int | slice, ...]  # which part of a tensor, axis by axis
LONGEST = 32  # characters of what has no name, before a line only tells it from others


def members(where: Where, shape: tuple[int, ...]) -> Index:
    """Return the index of all elements of a part of a tensor, last axis fastest."""
    parts = (*where, *(slice(None),) * (len(shape) - len(where)))
    return grid([np.arange(size)[part] for part, size in zip(parts, shape, strict=True)])


Term = Callable[[Expression], Expression]  # what is added up, of a number
Total = Callable[[Term], Expression]


def _of_part(
    name: str,
    x: Operand,
    where: Where,
    value: Callable[[Array], Any],
    written: Callable[[Total, Number], Expression],
) -> Ref:
    """Write what a part of a tensor comes to as a number of its own: `mean(h[0,:])`.

    A line that uses it stays readable; how it is made follows when it is asked for, and only
    then are the indices of the part's elements gone through, with their count beside them.
    """
    numbers = x.array[where].astype(np.float64)

    def total(term: Term) -> Expression:
        return sum_of(
            numbers.size,
            lambda: each_of(members(where, x.shape)),
            lambda: members(where, x.shape),
            lambda place: term(x.at(place)),
        )

    def made() -> Expression:
        return written(total, Number(float(numbers.size)))

    return Ref(f"{name}({part_of(x, where)})", value=float(value(numbers)), made=made)


def mean_of(x: Operand, where: Where) -> Ref:
    """Write the mean of a part."""
    return _of_part(
        "mean", x, where, np.mean, lambda total, count: Div(total(lambda number: number), count)
    )


def variance_of(x: Operand, where: Where, mean: Ref) -> Ref:
    """Write the variance of a part: its mean squared distance from `mean`."""
    return _of_part("var", x, where, np.var, lambda total, count: Div(total(_squared(mean)), count))


def length_of(x: Operand, where: Where) -> Ref:
    """Write the length of a part: the root of its summed squares."""

    def length(numbers: Array) -> Any:
        return np.sqrt((numbers * numbers).sum())

    return _of_part("norm", x, where, length, lambda total, _: root(total(_squared())))


def root_mean_square_of(x: Operand, where: Where, eps: float) -> Ref:
    """Write the root of a part's mean square, raised by eps."""

    def size(numbers: Array) -> Any:
        return np.sqrt((numbers * numbers).mean() + eps)

    def written(total: Total, count: Number) -> Expression:
        return root(Div(total(_squared()), count) + Number(eps))

    return _of_part("rms", x, where, size, written)


def _squared(mean: Ref | None = None) -> Term:
    return lambda number: (number if mean is None else number - mean) ** TWO


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
    return f"{shortened(text)}[{marks}]"


def shortened(text: str) -> str:
    """Return what is written of a tensor without a name: no two that differ go by one name."""
    if len(text) <= LONGEST:
        return text
    return f"input_{zlib.crc32(text.encode()) & 0xFFFF:04x}"


def _marks(where: Where) -> str:
    """Write which part is meant: `0,:`."""
    return ",".join(
        (":" if part.start is None else f"{part.start}:{part.stop}")
        if isinstance(part, slice)
        else str(part)
        for part in where
    )
