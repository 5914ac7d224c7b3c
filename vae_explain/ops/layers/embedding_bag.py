"""`embedding_bag`: rows of a table that an index names, brought together bag by bag.

A bag is a row of the index, or what stands between two offsets in it; its rows are summed,
each times a weight if there are weights, or averaged. The largest is taken in another way, by
`composites`. A row for padding is in no bag, and a bag without rows is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...quick_classes import dataclass
from ...symbolic.build import summed
from ...symbolic.expression import ONE, ZERO, Div, Expression, Index, Number
from ...trace import Array
from ..binding import OPTIONAL, NotExplained, Read, binder
from ..rule import Call, Options, Partial, Rule, unusual
from .embedding import LIMITED, SPARSE

TABLE, PLACES = 0, 1
OFFSETS, WEIGHTS = "offsets", "per_sample_weights"  # the operands behind these, if given


def _known(mode: str) -> str:
    if mode not in ("sum", "mean"):
        raise NotExplained(f"mode={mode}")
    return mode


bind = binder(
    *("input", "weight"),
    offsets=OPTIONAL,
    **LIMITED,
    mode=Read(_known, "mean"),
    sparse=SPARSE,
    per_sample_weights=OPTIONAL,
    include_last_offset=False,
    padding_idx=None,
    order=("weight", "input"),
    tensors=True,
)


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
    include_last_offset: bool,
    padding_idx: int | None,
    tensors: tuple[str, ...],
) -> _Bags:
    named = dict(zip(tensors, further, strict=True))
    rows = places.reshape(-1).astype(int)
    if OFFSETS in named:
        starts = named[OFFSETS].astype(int)
        bag_of = np.searchsorted(starts, np.arange(rows.size), side="right") - 1
        count = len(starts) - include_last_offset
    else:
        bag_of = np.repeat(np.arange(len(places)), places.shape[1])
        count = len(places)
    kept = np.ones(rows.size, dtype=bool)
    if padding_idx is not None:
        kept = rows != padding_idx % len(table)
    between = np.arange(count)[:, None] == bag_of
    inside = (between & kept).astype(table.dtype)
    weights = named[WEIGHTS].reshape(-1) if WEIGHTS in named else np.ones(rows.size, table.dtype)
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
    gradients: list[Array | None] = [to_table, None]
    for name, operand in zip(attributes["tensors"], others[1:], strict=True):
        to_weights = (arriving * table[bags.rows]).sum(axis=1)
        gradients.append(to_weights.reshape(operand.shape) if name == WEIGHTS else None)
    return tuple(gradients)


def _bags(call: Call) -> _Bags:
    return call.once("bags", lambda: bags_of(*call.arrays, **call.attributes))


def _weight(call: Call, place: int) -> Expression | None:
    """Return the weight at a place of the flat index; None where there are none."""
    if WEIGHTS not in call.attributes["tensors"]:
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
        slopes: list[Partial] = []
        for bag in range(len(bags.inside)):
            here = [place for place in bags.members(bag) if bags.rows[place] == row]
            if here:
                factors = [_weight(call, place) or ONE for place in here]
                slopes.append(((bag, column), _shared(summed(factors), bags, bag)))
        return slopes
    if position == PLACES or call.attributes["tensors"][position - 2] != WEIGHTS:
        return []
    place = int(np.ravel_multi_index(index, call.operands[position].shape))
    row = int(bags.rows[place])
    return [
        ((int(bag), column), table.at((row, column)))
        for bag in np.flatnonzero(bags.inside[:, place])
        for column in range(table.shape[1])
    ]


def _options(call: Call) -> Options:
    places = zip(call.attributes["tensors"], call.arrays[PLACES + 1 :], strict=True)
    offsets = [(name, tuple(array.tolist())) for name, array in places if name == OFFSETS]
    usual = {"include_last_offset": False, "tensors": call.attributes["tensors"]}
    mode, *others = unusual(call.attributes, usual)
    return (mode, *offsets, *others)


def _shows(call: Call) -> tuple[int, ...]:
    """Return the index, the table and the weights, if there are any."""
    weights = (len(call.operands) - 1,) if WEIGHTS in call.attributes["tensors"] else ()
    return (PLACES, TABLE, *weights)


def _chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
    """Return the rows' numbers, and where the bag begins and ends, if that is said."""
    bag, shape = index[0], call.operands[PLACES].shape
    chosen: list[tuple[int, Index]] = [
        (PLACES, tuple(map(int, np.unravel_index(place, shape))))
        for place in np.flatnonzero(_bags(call).between[bag])
    ]
    if OFFSETS in call.attributes["tensors"]:
        ends = range(bag, min(bag + 2, call.operands[PLACES + 1].shape[0]))
        chosen += [(PLACES + 1, (end,)) for end in ends]
    return chosen


EMBEDDING_BAG = Rule(
    name="embedding_bag",
    bind=bind,
    forward=forward,
    vjp=vjp,
    element=element,
    partials=partials,
    options=_options,
    shows=_shows,
    words="the rows of a table that each bag of an index names, brought together",
    functional=True,
    chosen_by=_chosen_by,
)
