"""Parts of a tensor, and what is computed of one, as numbers that only a line speaks of."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import product

import numpy as np

from ...symbolic.build import TWO, root
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

Where = tuple[int | slice, ...]  # which part of a tensor, axis by axis
LONGEST = 32  # characters of what has no name, before a line only tells it from others


def members(where: Where, shape: tuple[int, ...]) -> Iterator[Index]:
    """Yield the indices of a part of a tensor, last axis fastest."""
    parts = (*where, *(slice(None),) * (len(shape) - len(where)))
    return product(
        *(
            range(size)[part] if isinstance(part, slice) else (part,)
            for part, size in zip(parts, shape, strict=True)
        )
    )


def _numbers(x: Operand, where: Where) -> Array:
    return x.array[where].astype(np.float64)


def mean_of(x: Operand, where: Where) -> Ref:
    """Write the mean of a part of a tensor as a number of its own: `mean(h[0,:])`.

    A line that uses it stays readable; how it is made follows when it is asked for, and only
    then are the indices of the part's elements gone through.
    """
    numbers = _numbers(x, where)

    def made() -> Expression:
        return Div(Add(tuple(map(x.at, members(where, x.shape)))), Number(float(numbers.size)))

    return Ref(f"mean({part_of(x, where)})", value=float(numbers.mean()), made=made)


def variance_of(x: Operand, where: Where, mean: Ref) -> Ref:
    """Write the variance of a part likewise: its mean squared distance from `mean`."""
    numbers = _numbers(x, where)

    def made() -> Expression:
        squares = tuple((x.at(at) - mean) ** TWO for at in members(where, x.shape))
        return Div(Add(squares), Number(float(numbers.size)))

    return Ref(f"var({part_of(x, where)})", value=float(numbers.var()), made=made)


def length_of(x: Operand, where: Where) -> Ref:
    """Write the length of a part likewise: the root of its summed squares."""
    numbers = _numbers(x, where)

    def made() -> Expression:
        return root(_squares(x, where))

    length = float(np.sqrt((numbers * numbers).sum()))
    return Ref(f"norm({part_of(x, where)})", value=length, made=made)


def root_mean_square_of(x: Operand, where: Where, eps: float) -> Ref:
    """Write the root of a part's mean square, raised by eps, likewise."""
    numbers = _numbers(x, where)

    def made() -> Expression:
        return root(Div(_squares(x, where), Number(float(numbers.size))) + Number(eps))

    size = float(np.sqrt((numbers * numbers).mean() + eps))
    return Ref(f"rms({part_of(x, where)})", value=size, made=made)


def _squares(x: Operand, where: Where) -> Expression:
    return Add(tuple(x.at(at) ** TWO for at in members(where, x.shape)))


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
