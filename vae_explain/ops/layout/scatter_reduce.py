"""Numbers brought together in places of a tensor: `scatter_reduce`, `scatter_add`, `index_add`, …

Numbers that come to the same place are summed, averaged, multiplied, or the largest or smallest of
them is taken. What stood there takes part, unless `include_self` is False; where nothing comes, it
stays. Of several that are the largest each gets a share, and PyTorch counts what stood there among
them even where it takes no part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from ...quick_classes import dataclass
from ...symbolic.build import multiplied
from ...symbolic.expression import ONE, Add, Div, Expression, Index, Number, Reshape
from ...symbolic.shapes import expanded
from ...trace import Array
from ..binding import OPERAND, REQUIRED, Bound, NotExplained, Read, Refused, binder
from ..delegate import deferring, delegated
from ..rule import Call, Operand, Partial, Rule, by_default
from .scatter import (
    INDEX,
    INPUT,
    SCATTER,
    SOURCE,
    fitting,
    places,
    scatter_chosen_by,
    scatter_gradient,
)

# How numbers are brought together, and the number to start from where none is there yet.
TOGETHER: dict[str, tuple[np.ufunc, float]] = {
    "sum": (np.add, 0.0),
    "mean": (np.add, 0.0),
    "prod": (np.multiply, 1.0),
    "amax": (np.maximum, -np.inf),
    "amin": (np.minimum, np.inf),
}


def known(reduce: str) -> str:
    if reduce not in TOGETHER:
        raise NotExplained(f"reduce={reduce}")
    return reduce


class _Meeting:
    """Which numbers come together at each place."""

    def __init__(
        self, x: Array, index: Array, source: Array, dim: int, reduce: str, include_self: bool
    ) -> None:
        self.x, self.reduce = x, reduce
        self.key = places(index, dim)
        self.source = fitting(source, index)
        self.arrived = self.counted(np.ones_like(self.source))
        self.stays = np.asarray(include_self | (self.arrived == 0))

    def counted(self, numbers: Array) -> Array:
        """Return the sums of what came to each place."""
        totals = np.zeros_like(self.x)
        np.add.at(totals, self.key, numbers)
        return totals

    @cached_property
    def count(self) -> Array:
        return np.asarray(self.arrived + self.stays).astype(self.x.dtype)

    @cached_property
    def result(self) -> Array:
        function, start = TOGETHER[self.reduce]
        result = np.where(self.stays, self.x, np.asarray(start, self.x.dtype))
        function.at(result, self.key, self.source)
        return np.asarray(result / self.count if self.reduce == "mean" else result)

    def slopes(self) -> tuple[Array, Array]:
        """Return how each place moves with what stood there, and with each that came."""
        own, came = self._slopes()
        return own * self.stays, came

    def _slopes(self) -> tuple[Array, Array]:
        x, source, key = self.x, self.source, self.key
        if self.reduce == "sum":
            return np.ones_like(x), np.ones_like(source)
        if self.reduce == "mean":
            return 1 / self.count, 1 / self.count[key]
        if self.reduce == "prod":
            return self._others(x, self.result, self._zeros), self._others(
                source, self.result[key], self._zeros[key]
            )
        own = (x == self.result).astype(x.dtype)
        came = (source == self.result[key]).astype(x.dtype)
        alike = np.maximum(own + self.counted(came), 1)
        return own / alike, came / alike[key]

    @cached_property
    def _zeros(self) -> Array:
        return np.asarray(self.counted((self.source == 0) * 1.0) + self.stays * (self.x == 0))

    @cached_property
    def _without_zeros(self) -> Array:
        product = np.where(self.stays & (self.x != 0), self.x, np.ones_like(self.x))
        np.multiply.at(product, self.key, np.where(self.source == 0, 1, self.source))
        return product

    def _others(self, each: Array, product: Array, zeros: Array) -> Array:
        """Return the product of all others at a number's place."""
        whole = self._without_zeros if each is self.x else self._without_zeros[self.key]
        gone = np.where(zeros == 1, whole, np.zeros_like(whole))
        return np.where(each == 0, gone, product / np.where(each == 0, 1, each))


def forward(x: Array, index: Array, source: Array, **attributes: Any) -> Array:
    return _Meeting(x, index, source, **attributes).result


def vjp(
    g: Array, y: Array, x: Array, index: Array, source: Array, **attributes: Any
) -> tuple[Array | None, ...]:
    meeting = _Meeting(x, index, source, **attributes)
    own, came = meeting.slopes()
    to_source = np.zeros_like(source)
    to_source[tuple(slice(size) for size in index.shape)] = g[meeting.key] * came
    return g * own, None, to_source


def _meeting(call: Call) -> _Meeting:
    x, index, source = call.arrays
    return call.once("meeting", lambda: _Meeting(x, index, source, **call.attributes))


def _members(call: Call, place: Index) -> list[tuple[int, Index]]:
    """Return what comes together at a place, each as the operand's position and the index."""
    meeting = _meeting(call)
    axes = np.broadcast_arrays(*meeting.key)
    here = np.logical_and.reduce([axis == at for axis, at in zip(axes, place, strict=True)])
    came = [(SOURCE, tuple(map(int, at))) for at in np.argwhere(here)]
    return [(INPUT, place), *came] if meeting.stays[place] else came


def element(call: Call, index: Index) -> Expression:
    reduce, members = call.attributes["reduce"], _members(call, index)
    parts = tuple(call.operands[position].at(at) for position, at in members)
    if len(parts) == 1:
        return parts[0]
    if reduce in ("amax", "amin"):
        numbers = [call.operands[position].array[at] for position, at in members]
        return parts[int(np.argmax(numbers) if reduce == "amax" else np.argmin(numbers))]
    if reduce == "prod":
        return multiplied(parts)
    return Div(Add(parts), Number(float(len(parts)))) if reduce == "mean" else Add(parts)


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position == INDEX:
        return []
    meeting, place = _meeting(call), index
    own, came = meeting.slopes()
    if position == SOURCE:
        inside = all(at < n for at, n in zip(index, call.operands[INDEX].shape, strict=True))
        if not inside:
            return []
        place = tuple(int(axis[index]) for axis in np.broadcast_arrays(*meeting.key))
    elif not meeting.stays[index]:
        return []
    if call.attributes["reduce"] == "prod":
        others = [each for each in _members(call, place) if each != (position, index)]
        factors = (call.operands[operand].at(at) for operand, at in others)
        return [(place, multiplied(factors))]
    slope = float(own[index] if position == INPUT else came[index])
    if not slope:
        return []
    if call.attributes["reduce"] == "mean" and slope != 1:
        return [(place, Div(ONE, Number(float(meeting.count[place]))))]
    return [(place, ONE if slope == 1 else Number(slope))]


SCATTER_REDUCE = Rule(
    name="scatter_reduce",
    bind=binder(
        "input",
        dim=REQUIRED,
        index=OPERAND,
        src=OPERAND,
        reduce=Read(known),
        include_self=Read(bool, True),
    ),
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    words="numbers brought together in the places that an index names",
    chosen_by=scatter_chosen_by,
)

# --- added up ---------------------------------------------------------------------------


def _as_sum(attributes: Mapping[str, Any]) -> tuple[Rule, dict[str, Any]]:
    return SCATTER_REDUCE, {**attributes, "reduce": "sum", "include_self": True}


def add_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    return upstream if position == INPUT else scatter_gradient(call, position, upstream)


SCATTER_ADD = deferring(
    [SCATTER_REDUCE],
    _as_sum,
    name="scatter_add",
    bind=binder("input", dim=REQUIRED, index=OPERAND, src=OPERAND),
    formula=by_default,
    gradient=add_gradient,
    words="numbers added in the places that an index names",
)

# --- whole rows, by an index that is the same along all other axes ----------------------

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Spread:
    """An index of rows, spread over the rows: an operand as a scatter has it."""

    index: Operand
    shape: Shape
    dim: int

    @property
    def thin(self) -> Shape:
        """The shape that goes with the rows once it is repeated."""
        axis = self.dim % len(self.shape)
        return tuple(size if at == axis else 1 for at, size in enumerate(self.shape))

    @property
    def array(self) -> Array:
        return np.broadcast_to(self.index.array.reshape(self.thin), self.shape)

    def at(self, index: Index) -> Expression:
        return Number(float(self.array[index]))

    def whole(self) -> Expression:
        return expanded(Reshape(self.index.whole(), self.thin), self.shape)


def rows_of(x: Shape, index: Array, dim: int) -> Shape:
    """Return the shape of as many rows of a tensor as an index names."""
    axis = dim % len(x)
    return (*x[:axis], index.size, *x[axis + 1 :])


def by_rows(name: str, scatter: Rule, bind: Callable[..., Bound], words: str) -> Rule:
    """Make the rule of an op that is a scatter of whole rows."""

    def spread(x: Array, index: Array, dim: int) -> Array:
        thin = tuple(-1 if at == dim % x.ndim else 1 for at in range(x.ndim))
        return np.broadcast_to(index.reshape(thin), rows_of(x.shape, index, dim))

    def forward(x: Array, index: Array, source: Array, dim: int) -> Array:
        return scatter.forward(x, spread(x, index, dim), source, dim=dim)

    def inner(call: Call) -> Call:
        x, index, source = call.operands
        dim = call.attributes["dim"]
        shape = rows_of(x.shape, index.array, dim)
        return replace(call, operands=(x, _Spread(index, shape, dim), source))

    return replace(
        scatter,
        name=name,
        bind=bind,
        forward=forward,
        vjp=by_default,
        **delegated(lambda call: (scatter, inner(call))),
        words=words,
        chosen_by=None,
    )


bind_copy = binder("input", dim=REQUIRED, index=OPERAND, source=OPERAND)
bind_add = binder("input", dim=REQUIRED, index=OPERAND, source=OPERAND, alpha=Refused(1))
INDEX_ADD = by_rows("index_add", SCATTER_ADD, bind_add, "rows added to those that an index names")
INDEX_COPY = by_rows(
    "index_copy", SCATTER, bind_copy, "rows put in the place of those that an index names"
)
