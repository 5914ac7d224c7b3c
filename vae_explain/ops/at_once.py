"""Long sums: the formula of a summand, evaluated over arrays, and the few summands to write.

A gradient of a convolution's weight adds up thousands of products. None of them needs a tree
of its own: with arrays for its indices, what a rule says of one element is said of all. The
leaves of such a formula are `Each`; it is evaluated once, the largest summands are made into
trees, and the others stand as one number that knows how it was made.

Arrays of indices broadcast. What opens each summand into several puts their axis in front, so
that what was made before keeps its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from math import prod
from typing import Any

import numpy as np

from ..quick_classes import NamedTuple
from ..symbolic.derivative import WHERE
from ..symbolic.error_bound import Precision
from ..symbolic.expression import (
    Add,
    Apply,
    Div,
    Each,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Rest,
    children,
    rebuilt,
)
from ..trace import Array
from .array_bounds import Bounds, sized

MOST_WRITTEN = 32  # terms of a sum, that each have a tree
SHOWN = 8  # of a longer sum
_MOST: ContextVar[int] = ContextVar("most", default=MOST_WRITTEN)


def is_long(count: int) -> bool:
    """Whether a sum has so many terms that its formula stands for them."""
    return count > _MOST.get()


@contextmanager
def writing_up_to(count: int) -> Iterator[None]:
    """Write out sums of up to so many terms."""
    token = _MOST.set(count)
    try:
        yield
    finally:
        _MOST.reset(token)


Shape = tuple[int, ...]


class NotAtOnce(Exception):
    """Many elements have no one formula here; they are written one by one."""


class Summands(NamedTuple):
    """The formula of a summand and the shape that its arrays broadcast to."""

    formula: Expression
    shape: Shape = ()

    @property
    def terms(self) -> int:
        """How many they are."""
        return prod(self.shape)

    def written(self, at: int) -> Expression:
        """Return one of them as a tree; they count as they are opened, the first axis fastest."""
        return one_of(self.formula, np.unravel_index(at, self.shape[::-1])[::-1])

    def all_written(self) -> list[Expression]:
        return [self.written(at) for at in range(self.terms)] if self.shape else [self.formula]


def is_many(index: Iterable[Any]) -> bool:
    """Whether an index is of arrays, and so stands for many."""
    return np.ndarray in map(type, index)


def shape_of_many(index: Iterable[Any]) -> Shape:
    shapes = {at.shape for at in index if isinstance(at, np.ndarray)}
    return np.broadcast_shapes(*shapes) if len(shapes) > 1 else shapes.pop() if shapes else ()


def grid(axes: Sequence[Any]) -> tuple[Any, ...]:
    """Return the index of all combinations, of numbers and of ranges or arrays, last fastest."""
    ranges = [np.atleast_1d(np.asarray(axis)) for axis in axes]
    lines = np.meshgrid(*ranges, indexing="ij")
    return tuple(
        line.reshape(-1) if np.ndim(axis) else axis for line, axis in zip(lines, axes, strict=True)
    )


def in_front(axes: Sequence[Any], index: Index) -> tuple[Any, ...]:
    """Return `grid`, each of whose combinations goes with all that an index stands for."""
    behind = (1,) * len(shape_of_many(index))
    return tuple(np.reshape(line, (-1, *behind)) for line in grid(axes))


def some_of(index: Any, which: slice | Array) -> tuple[Any, ...]:
    """Return some of the many that an index of arrays, each with one axis, stands for."""
    shape = shape_of_many(index)
    return tuple(np.broadcast_to(at, shape)[which] for at in index)


def one_of(formula: Expression, at: Sequence[Any]) -> Expression:
    """Write one summand of many; `at` is its place in the shape of all."""

    def walk(node: Expression) -> Expression:
        match node:
            case Each(places=places, one=one):
                assert one is not None, "every leaf of a long sum says what its numbers are"
                return one(tuple(int(_picked(place, at)) for place in places))
            case Number() | Ref() | Add() | Mul() | Neg() | Div() | Pow() | Apply():
                return rebuilt(node, walk)
            case Opaque(name=name, arguments=(Ref(value=condition), then, otherwise)) if (
                name == WHERE
            ):
                return walk(then if _picked(condition, at) else otherwise)
            case _:
                raise NotAtOnce

    return walk(formula)


def _picked(array: Any, at: Sequence[Any]) -> Any:
    """Return one number of an array that broadcasts."""
    shape = np.shape(array)
    if not shape:
        return array
    own = at[len(at) - len(shape) :]
    return array[tuple(0 if size == 1 else place for place, size in zip(own, shape, strict=True))]


def depends_on_place(formula: Expression) -> bool:
    """Whether a summand differs from one to the next."""
    stack = [formula]
    while stack:
        node = stack.pop()
        if isinstance(node, Each) or (isinstance(node, Opaque) and node.name == WHERE):
            return True
        stack.extend(children(node))
    return False


def chooses(formula: Expression) -> bool:
    """Whether a formula has one piece here and another there."""
    is_choice = isinstance(formula, Opaque) and formula.name == WHERE
    return is_choice or any(map(chooses, children(formula)))


# --- a sum --------------------------------------------------------------------------------


def sum_of(
    count: int,
    places: Callable[[], Iterable[Index]],
    at_once: Callable[[], Index],
    term: Callable[[Index], Expression],
) -> Expression:
    """Write the sum of a term over many places.

    Parameters
    ----------
    count
        How many there are.
    places
        Makes them one by one, for a short sum.
    at_once
        Makes them as one index of arrays.
    """
    if is_long(count):
        try:
            return abridged([Summands(term(at_once()), (count,))])
        except NotAtOnce:
            pass
    return Add(tuple(map(term, places())))


def abridged(
    parts: Sequence[Summands], rewritten: Callable[[Expression], Expression] = lambda term: term
) -> Add:
    """Write the largest summands of a long sum, and the others as one number.

    Parameters
    ----------
    rewritten
        Called with each that is written.
    """
    unwritten = _Unwritten(parts)
    values = unwritten.values
    shown = largest(values)
    starts = np.cumsum([0, *(part.terms for part in parts)])
    written = []
    for at in shown:
        which = int(np.searchsorted(starts, at, side="right")) - 1
        part = parts[which]
        term = part.written(int(at - starts[which])) if part.shape else part.formula
        written.append(rewritten(term))
    left = np.ones(values.size, dtype=bool)
    left[shown] = False
    unwritten.left = left
    count = values.size - len(shown)
    words = f"({count:,} smaller terms)"
    rest = Rest(words, value=float(values[left].sum()), count=count, terms=unwritten)
    return Add((*written, rest))


def largest(values: Array) -> Array:
    """Return where the largest are, in order of place; what is no number is among them."""
    sizes = np.abs(values)
    sizes[np.isnan(sizes)] = np.inf
    least = np.partition(sizes, sizes.size - SHOWN)[-SHOWN]
    above = np.flatnonzero(sizes > least)
    equal = islice(np.flatnonzero(sizes == least), SHOWN - above.size)
    return np.sort(np.concatenate([above, np.fromiter(equal, dtype=above.dtype)]))


@dataclass
class _Unwritten:
    """The terms of a sum that are left out; see `Rest`."""

    parts: Sequence[Summands]
    left: Array | None = None  # which of all they are

    def _flat(self, array: Any, shape: Shape) -> Array:
        full = np.broadcast_to(np.asarray(array, dtype=np.float64), shape)
        return full.ravel(order="F")

    @cached_property
    def _sized(self) -> tuple[Array, Array]:
        pairs = []
        for part in self.parts:
            value, size = sized(part.formula)
            pairs.append((self._flat(value, part.shape), self._flat(size, part.shape)))
        return np.concatenate([v for v, _ in pairs]), np.concatenate([s for _, s in pairs])

    @property
    def values(self) -> Array:
        return self._sized[0]

    @property
    def magnitude(self) -> float:
        return float(self._sized[1][self.left].sum())

    def enclosure(self, precision: Precision, own: str) -> tuple[float, float]:
        bounds, lows, highs = Bounds(precision, own), [], []
        for part in self.parts:
            low, high = bounds.of(part.formula)
            lows.append(self._flat(low, part.shape))
            highs.append(self._flat(high, part.shape))
        low, high = np.concatenate(lows), np.concatenate(highs)
        sizes = float(np.maximum(np.abs(low), np.abs(high)).sum())
        # In any order, together with those that are written: n terms are rounded n - 1 times.
        off = (low.size - 1) * precision.unit * sizes
        first, last = float(low[self.left].sum()), float(high[self.left].sum())
        return (first, last) if np.isinf(sizes) else (first - off, last + off)
