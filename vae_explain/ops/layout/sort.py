"""Numbers in order: `sort`, and the maker of all ops that pick numbers by their ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import Index, Number
from ...trace import Array
from ..binding import Bound, Ignored, binder
from ..copying import Sources, copying, numbered, unraveled
from ..delegate import each_output
from ..rule import NOTHING_BACK, Call, Options, Rule, unusual

# From the operand and the call's attributes: where in it each element of the output stood,
# counted through all axes.
PlacesOf = Callable[..., Array]


def arranging(
    name: str,
    *,
    bind: Callable[..., Bound],
    sources: PlacesOf,
    words: str,
    positions: PlacesOf | None = None,
    unwritten: tuple[str, ...] = (),
    **fields: Any,
) -> Rule:
    """Make the rule of an op that takes numbers by their ranks.

    Parameters
    ----------
    positions
        Gives the second output of an op that also says where its elements stood.
    unwritten
        Attributes that are no options of the call, which a formula has nothing of.
    fields
        Further fields of the rule.
    """

    def options(call: Call) -> Options:
        written = {k: v for k, v in call.attributes.items() if k not in unwritten}
        return unusual(written, values.usual)

    values = copying(
        name,
        bind=bind,
        forward=lambda x, **attributes: np.asarray(np.reshape(x, -1)[sources(x, **attributes)]),
        sources=lambda x, **attributes: Sources(sources(x, **attributes) + 1, [x.shape]),
        options=options,
        words=words,
        **fields,
    )
    if positions is None:
        return values
    places = standing(f"arg{name}", bind, positions, sources, words, options=options)
    return each_output(values, places)


def standing(
    name: str,
    bind: Callable[..., Bound],
    positions: PlacesOf,
    sources: PlacesOf,
    words: str,
    **fields: Any,
) -> Rule:
    """Make the rule of an op that says where along an axis the numbers of some ranks stood."""

    def chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
        """Return the number that stood at a place, which has it by its size."""
        x = call.operands[0]
        places = call.once("places", lambda: sources(x.array, **call.attributes))
        return [(0, unraveled(int(places[index]), x.shape))]

    return Rule(
        name=name,
        bind=bind,
        forward=positions,
        element=lambda call, index: Number(float(call.output.array[index])),
        words=words,
        chosen_by=chosen_by,
        **NOTHING_BACK,
        **fields,
    )


def order(x: Array, dim: int, descending: bool) -> Array:
    """Return where along an axis each number stood; equal ones keep their order."""
    if x.ndim == 0:
        return np.zeros((), dtype=int)
    # Backwards by the negative, since turning an ascending order round turns ties round too.
    return np.argsort(-x if descending else x, axis=dim, kind="stable")


def sort_sources(x: Array, dim: int, descending: bool) -> Array:
    if x.ndim == 0:
        return np.zeros((), dtype=int)
    return np.take_along_axis(numbered([x.shape])[0] - 1, order(x, dim, descending), dim)


bind = binder("input", dim=-1, descending=False, stable=Ignored())

SORT = arranging(
    "sort",
    bind=bind,
    sources=sort_sources,
    positions=order,
    words="the same numbers in order",
)
ARGSORT = standing(
    "argsort",
    bind,
    order,
    sort_sources,
    "the places of the numbers in order, counted from 0",
)
