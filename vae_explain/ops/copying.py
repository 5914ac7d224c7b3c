"""Ops that only move or copy numbers: views, parts, padding, and their kin.

All there is to know of such an op is where each element of its output was copied from. Its
`forward` says so when it runs on the positions of the operands' elements in place of their
numbers. How an element reads, where an element of an operand went, and the VJP follow.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from ..symbolic.expression import ONE, ZERO, Expression, Index, Number
from ..trace import Array
from .at_once import NotAtOnce, is_long, is_many
from .binding import Bound
from .rule import Call, Family, OfMany, Rule, Ways

Shape = tuple[int, ...]
# The operands that are copied from; the others say where, or in which shape.
ALL, FIRST = slice(None), slice(1)


class Sources:
    """Where each element of an output was copied from.

    Attributes
    ----------
    numbers
        In the output's shape, the position of each element's source: counted from 1 through
        all the operands that are copied from, one after the other; 0 for an element that was
        copied from none.
    shapes
        The shapes of these operands.
    """

    def __init__(self, numbers: Array, shapes: Sequence[Shape]) -> None:
        self.numbers = numbers
        self.shapes = shapes
        self._starts = [0, *accumulate(prod(shape) for shape in shapes)]

    def of(self, index: Index) -> tuple[int, Index] | None:
        """Return the operand and the index that an output element was copied from, if any."""
        position = int(self.numbers[index]) - 1
        if position < 0:
            return None
        part = bisect_right(self._starts, position) - 1
        return part, unraveled(position - self._starts[part], self.shapes[part])

    def targets(self, part: int, index: Index) -> list[Index]:
        """Return the output indices that one element of an operand was copied to, in order."""
        source = 1 + self._starts[part] + raveled(index, self.shapes[part])
        order, ordered = self._by_source
        # In their own type, or all of them would be converted for each look-up.
        ends = np.array([source, source + 1], dtype=ordered.dtype)
        first, end = np.searchsorted(ordered, ends)
        return [unraveled(int(at), self.numbers.shape) for at in order[first:end]]

    def of_many(self, index: Index) -> tuple[int, Index]:
        """Return the operand and the indices that many output elements were copied from."""
        position = np.asarray(self.numbers[index], dtype=np.int64) - 1
        parts = np.searchsorted(self._starts, position, side="right") - 1
        if not position.size or position.min() < 0 or parts.min() != parts.max():
            raise NotAtOnce
        part = int(parts.flat[0])
        return part, _unraveled(position - self._starts[part], self.shapes[part])

    def targets_of_many(self, part: int, index: Index) -> Index:
        """Return the output indices that many elements were copied to, each to as many."""
        source = np.asarray(1 + self._starts[part] + raveled(index, self.shapes[part]))
        order, ordered = self._by_source
        first = np.searchsorted(ordered, source.astype(ordered.dtype))
        copies = np.searchsorted(ordered, source.astype(ordered.dtype), side="right") - first
        if not copies.size or copies.min() != copies.max() or not copies.flat[0]:
            raise NotAtOnce
        count = int(copies.flat[0])
        if count > 1:
            first = first + np.arange(count).reshape(-1, *(1,) * first.ndim)
        return _unraveled(order[first].astype(np.int64), self.numbers.shape)

    @cached_property
    def _by_source(self) -> tuple[Array, Array]:
        """The output's positions in the order of their sources, and these sources."""
        numbers = self.numbers.reshape(-1)
        order = np.argsort(numbers, kind="stable")
        return order.astype(_whole(order.size)), numbers[order]

    def returned(self, upstream: Array) -> list[Array]:
        """Add up, for each element of each operand, the gradients of its copies."""
        totals = np.zeros(1 + self._starts[-1], dtype=upstream.dtype)
        np.add.at(totals, self.numbers.reshape(-1), upstream.reshape(-1))
        return [
            totals[1 + start : 1 + end].reshape(shape)
            for start, end, shape in zip(self._starts, self._starts[1:], self.shapes, strict=False)
        ]


def _unraveled(positions: Array, shape: Shape) -> Index:
    """Return the index, of arrays, of many positions; a scalar has one that says how many."""
    if not shape:
        raise NotAtOnce
    return tuple(np.unravel_index(positions, shape))  # type: ignore[arg-type]  # of arrays


def unraveled(position: int, shape: Shape) -> Index:
    """Return the index of a position that is counted through all axes."""
    index = []
    for size in reversed(shape):
        position, at = divmod(position, size)
        index.append(at)
    return tuple(reversed(index))


def raveled(index: Index, shape: Shape) -> int:
    """Return the position of an index, counted through all axes."""
    position = 0
    for at, size in zip(index, shape, strict=True):
        position = position * size + at
    return position


def numbered(shapes: Sequence[Shape]) -> list[Array]:
    """Return arrays of positions, counted from 1 through one array after the other."""
    starts = [*accumulate((prod(shape) for shape in shapes), initial=1)]
    return [
        np.arange(start, end, dtype=_whole(starts[-1])).reshape(shape)
        for start, end, shape in zip(starts, starts[1:], shapes, strict=False)
    ]


def _whole(largest: int) -> type[np.integer[Any]]:
    """Return the type that takes least room for whole numbers up to one."""
    return np.int32 if largest < 2**31 else np.int64


# From the operands' arrays and the call's attributes: where its elements come from.
SourcesOf = Callable[..., Sources]


def by_positions(forward: Callable[..., Array], copied: slice = ALL, fill: str = "") -> SourcesOf:
    """Return how to find the sources of an op by its `forward`.

    Parameters
    ----------
    copied
        Which operands are copied from; the others say where.
    fill
        The attribute that holds the number of an element that is copied from nowhere.
    """

    def sources(*arrays: Array, **attributes: Any) -> Sources:
        shapes = [np.shape(array) for array in arrays[copied]]
        operands = list(arrays)
        operands[copied] = positions = numbered(shapes)
        settings = {**attributes, fill: 0} if fill else attributes
        # Some turn whole numbers into others, as all that they copy.
        numbers = np.asarray(forward(*operands, **settings)).astype(positions[0].dtype, copy=False)
        return Sources(numbers, shapes)

    return sources


def copying(
    name: str,
    *,
    bind: Callable[..., Bound],
    forward: Callable[..., Array],
    words: str,
    sources: SourcesOf | None = None,
    copied: slice = ALL,
    fill: str = "",
    **fields: Any,
) -> Rule:
    """Make the rule of an op that only moves or copies numbers.

    Parameters
    ----------
    sources
        `sources(*arrays, **attributes)`, where `forward` cannot tell it, as of an op that
        orders numbers by their sizes.
    copied, fill
        As in `by_positions`.
    fields
        Further fields of the rule, among them a `vjp` that is faster than adding up the
        gradients of all copies one by one.
    """
    of_arrays = sources or by_positions(forward, copied, fill)

    def of_call(call: Call) -> Sources:
        return call.once("sources", lambda: of_arrays(*call.arrays, **call.attributes))

    def parts(operands: int) -> list[int]:
        return list(range(operands))[copied]

    def vjp(
        upstream: Array, output: Array, /, *arrays: Array, **attributes: Any
    ) -> tuple[Array | None, ...]:
        gradients: list[Array | None] = [None] * len(arrays)
        gradients[copied] = of_arrays(*arrays, **attributes).returned(np.asarray(upstream))
        return tuple(gradients)

    def element(call: Call, index: Index) -> Expression:
        if is_many(index):
            part, at = of_call(call).of_many(index)
            return call.operands[parts(len(call.operands))[part]].at(at)
        source = of_call(call).of(index)
        if source is None:
            return Number(float(call.attributes[fill])) if fill else ZERO
        part, at = source
        return call.operands[parts(len(call.operands))[part]].at(at)

    def families(call: Call, position: int, index: Index) -> list[Family]:
        chosen = parts(len(call.operands))
        if position not in chosen:
            return []
        part = chosen.index(position)
        if is_many(index):
            return [Family.constant(of_call(call).targets_of_many(part, index), ONE)]
        targets = of_call(call).targets(part, index)
        if not is_long(len(targets)):
            return [Family.constant(out, ONE) for out in targets]
        return [Family.constant(tuple(np.array(targets).T), ONE)]

    def held(call: Call) -> set[int]:
        return {*range(len(call.operands))} - {*parts(len(call.operands))}

    derived = {
        "kind": "copy",
        "held": held,
        **({} if "gradient" in fields else {"vjp": vjp}),
        "element": OfMany(element),
        "partials": Ways(families, of_many=True),
    }
    fields = {**derived, **fields}
    return Rule(name=name, bind=bind, forward=forward, words=words, **fields)
