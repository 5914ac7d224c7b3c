"""Parts of a tensor, and what is computed of one, as numbers that only a line speaks of."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ...symbolic.build import TWO
from ...symbolic.expression import (
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
)
from ...symbolic.text import to_text
from ...trace import Array
from ..rule import Operand

Where = Sequence[int | slice]  # which part of a tensor, axis by axis
LONGEST = 32  # characters of what has no name, before a line only tells it from others


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
        squares = tuple((x.at(at) - mean) ** TWO for at in members())
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
