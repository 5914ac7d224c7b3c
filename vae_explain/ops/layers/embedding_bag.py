"""`embedding_bag`: rows of a table that an index names, brought together bag by bag.

A bag is a row of the index, or what stands between two offsets in it; its rows are summed,
each times a weight if there are weights, or averaged. The largest is taken in another way, by
`composites`. A row for padding is in no bag, and a bag without rows is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...symbolic.build import summed
from ...symbolic.expression import (
    ONE,
    ZERO,
    Div,
    Expression,
    Index,
    Number,
    Opaque,
)
from ...trace import Array
from ..rule import Bound, Call, NotExplained, Options, Partial, Rule

TABLE, PLACES = 0, 1
OFFSETS, WEIGHTS = "offsets", "per_sample_weights"  # the operands behind these, if given


def bind(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Bound:
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotExplained("max_norm, scale_grad_by_freq and sparse")
    if mode not in ("sum", "mean"):
        raise NotExplained(f"mode={mode}")
    further = {OFFSETS: offsets, WEIGHTS: per_sample_weights}
    given = tuple(name for name, tensor in further.items() if tensor is not None)
    return (weight, input, *(further[name] for name in given)), {
        "mode": mode,
        "given": given,
        "ends": bool(include_last_offset),
        "padding_idx": padding_idx,
    }


@dataclass(frozen=True)
class _Bags:
    """Which places of a flat index are in which bag.

    Attributes
    ----------
    rows
        The row of the table at each place.
    weights
        The weight of each, 1 where there are none.
    between
        For each bag which places are in it, or would be but for their row, as that of padding.
    inside
        Which of them it has, 1 or 0.
    """

    rows: Array
    weights: Array
    between: Array
    inside: Array
    averaged: bool

    @property
    def counts(self) -> Array:
        """What the sum of each bag is divided by."""
        sizes = self.inside.sum(axis=1, keepdims=True)
        return np.maximum(sizes, 1) if self.averaged else np.ones_like(sizes)

    def members(self, bag: int) -> list[int]:
        return [int(at) for at in np.flatnonzero(self.inside[bag])]


def bags_of(
    table: Array,
    places: Array,
    *further: Array,
    mode: str,
    given: tuple[str, ...],
    ends: bool,
    padding_idx: int | None,
) -> _Bags:
    found = dict(zip(given, further, strict=True))
    rows = places.reshape(-1).astype(int)
    if OFFSETS in found:
        starts = found[OFFSETS].astype(int)
        bag_of = np.searchsorted(starts, np.arange(rows.size), side="right") - 1
        count = len(starts) - ends
    else:
        bag_of = np.repeat(np.arange(len(places)), places.shape[1])
        count = len(places)
    kept = np.ones(rows.size, dtype=bool)
    if padding_idx is not None:
        kept = rows != padding_idx % len(table)
    between = np.arange(count)[:, None] == bag_of
    inside = (between & kept).astype(table.dtype)
    weights = found[WEIGHTS].reshape(-1) if WEIGHTS in found else np.ones(rows.size, table.dtype)
    return _Bags(rows, weights, between, inside, mode == "mean")


def forward(table: Array, *others: Array, **attributes: Any) -> Array:
    bags = bags_of(table, *others, **attributes)
    summed = bags.inside @ (table[bags.rows] * bags.weights[:, None])
    return np.asarray(summed / bags.counts)


def vjp(
    g: Array, y: Array, table: Array, *others: Array, **attributes: Any
) -> tuple[Array | None, ...]:
    bags = bags_of(table, *others, **attributes)
    arriving = bags.inside.T @ (g / bags.counts)  # at each place
    to_table = np.zeros_like(table)
    np.add.at(to_table, bags.rows, arriving * bags.weights[:, None])
    found: list[Array | None] = [to_table, None]
    for name, operand in zip(attributes["given"], others[1:], strict=True):
        to_weights = (arriving * table[bags.rows]).sum(axis=1)
        found.append(to_weights.reshape(operand.shape) if name == WEIGHTS else None)
    return tuple(found)


def _bags(call: Call) -> _Bags:
    return bags_of(*call.arrays, **call.attributes)


def _weight(call: Call, place: int) -> Expression | None:
    """Return the weight at a place of the flat index; None where there are none."""
    if WEIGHTS not in call.attributes["given"]:
        return None
    operand = call.operands[-1]
    return operand.at(tuple(map(int, np.unravel_index(place, operand.shape))))


def _shared(body: Expression, bags: _Bags, bag: int) -> Expression:
    count = float(bags.counts[bag, 0])
    return Div(body, Number(count)) if bags.averaged and count > 1 else body


def element(call: Call, index: Index) -> Expression:
    bag, column = index
    bags, terms = _bags(call), []
    for place in bags.members(bag):
        row = call.operands[TABLE].at((int(bags.rows[place]), column))
        weight = _weight(call, place)
        terms.append(row if weight is None else weight * row)
    return _shared(summed(terms), bags, bag) if terms else ZERO


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    bags, table = _bags(call), call.operands[TABLE]
    if position == TABLE:
        row, column = index
        found: list[Partial] = []
        for bag in range(len(bags.inside)):
            here = [place for place in bags.members(bag) if bags.rows[place] == row]
            factors = [_weight(call, place) or ONE for place in here]
            if factors:
                found.append(((bag, column), _shared(summed(factors), bags, bag)))
        return found
    given = call.attributes["given"]
    if position == PLACES or given[position - 2] != WEIGHTS:
        return []
    place = int(np.ravel_multi_index(index, call.operands[position].shape))
    row = int(bags.rows[place])
    return [
        ((int(bag), column), table.at((row, column)))
        for bag in np.flatnonzero(bags.inside[:, place])
        for column in range(table.shape[1])
    ]


def _written(call: Call) -> tuple[tuple[Expression, ...], Options]:
    """Return the operands that a formula shows, in PyTorch's order, and the options."""
    attributes = call.attributes
    named = dict(zip(attributes["given"], call.operands[2:], strict=True))
    wholes = [call.operands[PLACES].whole(), call.operands[TABLE].whole()]
    if WEIGHTS in named:
        wholes.append(named[WEIGHTS].whole())
    options: list[tuple[str, Any]] = [("mode", attributes["mode"])]
    if OFFSETS in named:
        options.append((OFFSETS, tuple(named[OFFSETS].array.tolist())))
    if attributes["ends"]:
        options.append(("include_last_offset", True))
    if attributes["padding_idx"] is not None:
        options.append(("padding_idx", attributes["padding_idx"]))
    return tuple(wholes), tuple(options)


def formula(call: Call) -> Expression:
    wholes, options = _written(call)
    arrays, attributes = call.arrays, dict(call.attributes)

    def compute(places: Array, table: Array, *weights: Array) -> Array:
        return forward(table, places, *_further(call, arrays, weights), **attributes)

    return Opaque("embedding_bag", wholes, options, compute)


def _further(call: Call, arrays: tuple[Array, ...], weights: tuple[Array, ...]) -> list[Array]:
    """Return the operands behind the index, the weights in place of the recorded ones."""
    given = call.attributes["given"]
    return [
        weights[0] if name == WEIGHTS else array
        for name, array in zip(given, arrays[2:], strict=True)
    ]


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    wholes, options = _written(call)
    arrays, attributes = call.arrays, dict(call.attributes)
    by = 2 if position == TABLE else 3  # counted as the formula shows them

    def back(g: Array, places: Array, table: Array, *weights: Array) -> Array | None:
        further = _further(call, arrays, weights)
        return vjp(g, call.output.array, table, places, *further, **attributes)[position]

    return Opaque("embedding_bag_backward", (upstream, *wholes), (("by", by), *options), back)


def _chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return the rows' numbers, and where the bag begins and ends, if that is said."""
    bag, shape = index[0], call.operands[PLACES].shape
    found: list[tuple[int, Index]] = [
        (PLACES, tuple(map(int, np.unravel_index(place, shape))))
        for place in np.flatnonzero(_bags(call).between[bag])
    ]
    if OFFSETS in call.attributes["given"]:
        ends = range(bag, min(bag + 2, call.operands[PLACES + 1].shape[0]))
        found += [(PLACES + 1, (end,)) for end in ends]
    return found


EMBEDDING_BAG = Rule(
    name="embedding_bag",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="the rows of a table that each bag of an index names, brought together",
    functional=True,
    chosen_by=_chosen_by)  # fmt: skip
