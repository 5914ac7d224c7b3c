"""What all pools share: how one window, and what it passes back, is written.

A pool brings the numbers that a window covers to one, their largest or their mean. It works on
the last axes: one of a signal, two of an image, three of a volume.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any, Protocol

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import ONE, Apply, Div, Expression, Index, Number
from ...trace import Array
from ..rule import Call, Partial, Rule

Counts = list[list[int]]  # for each axis what each window counts; a divisor is their product


class Cover(Protocol):
    """Which places the windows of a pool cover."""

    def covered(self, window: Index) -> list[Index]:
        """Return the places that a window covers, in order."""
        ...

    def covering(self, place: Index) -> list[Index]:
        """Return the windows that cover a place, in order."""
        ...


def divisors(counts: Counts, dtype: Any) -> Array:
    found: Array = reduce(np.multiply.outer, map(np.array, counts)).astype(dtype)
    return found


def pooling(
    name: str,
    axes: int,
    *,
    cover: Callable[..., Cover],
    counts: Callable[..., Counts] | None = None,
    **fields: Any,
) -> Rule:
    """Make the rule of a pool.

    Parameters
    ----------
    axes
        How many axes the windows have.
    cover
        `cover(shape, **attributes)`, for an input of a shape.
    counts
        `counts(shape, **attributes)`, for a pool of means; left out by one of the largest, of
        which the first of several is chosen, and NaN before every number, as in PyTorch.
    """

    def cover_of(call: Call) -> Cover:
        shape = call.operands[0].shape
        return call.once("cover", lambda: cover(shape, **call.attributes))

    def largest(x: Array, places: list[Index]) -> Index:
        best = places[0]
        for place in places[1:]:
            if x[place] > x[best] or np.isnan(x[place]):
                best = place
        return best

    def divisor(call: Call, window: Index) -> Expression:
        assert counts is not None, "only a mean divides"
        shape = call.operands[0].shape
        each = call.once("counts", lambda: counts(shape, **call.attributes))
        return Number(float(prod(axis[at] for axis, at in zip(each, window, strict=True))))

    def element(call: Call, index: Index) -> Expression:
        lead, window = index[:-axes], index[-axes:]
        numbers = [call.operands[0].at((*lead, *at)) for at in cover_of(call).covered(window)]
        if counts is not None:
            return Div(summed(numbers), divisor(call, window))
        return Apply("max", tuple(numbers)) if len(numbers) > 1 else numbers[0]

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        lead, place = index[:-axes], index[-axes:]
        over = cover_of(call)
        windows = over.covering(place)
        if counts is not None:
            return [((*lead, *out), Div(ONE, divisor(call, out))) for out in windows]
        x = call.operands[0].array[lead]
        return [((*lead, *out), ONE) for out in windows if largest(x, over.covered(out)) == place]

    return Rule(name=name, element=element, partials=partials, functional=True, **fields)
