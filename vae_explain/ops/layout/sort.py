"""Numbers in order: `sort`, and the maker of all ops that pick numbers by their ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Index, Number, Opaque
from ...trace import Array
from ..copying import Sources, copying, numbered, unraveled
from ..rule import Bound, Call, Ignored, Partial, Rule, binder, unusual

POSITIONS = 1  # the second output of `sort`: where the numbers stood
# From the operand and the call's attributes: where in it each element of the output stood,
# counted through all axes.
PlacesOf = Callable[..., Array]


def arranging(
    name: str,
    *,
    bind: Callable[..., Bound],
    sources: PlacesOf,
    words: str,
    usual: dict[str, Any],
    positions: PlacesOf | None = None,
    unwritten: tuple[str, ...] = (),
) -> Rule:
    """Make the rule of an op that takes numbers by their ranks.

    Parameters
    ----------
    usual
        What the attributes are when a formula need not mention them.
    positions
        Gives the second output of an op that also says where its elements stood.
    unwritten
        Attributes that are no options of the call, which a formula has nothing of.
    """

    def without_output(attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in attributes.items() if key != "output"}

    def says_positions(attributes: Mapping[str, Any]) -> bool:
        return attributes.get("output") == POSITIONS

    def forward(x: Array, /, **attributes: Any) -> Array:
        rest = without_output(attributes)
        if says_positions(attributes):
            assert positions is not None, "only an op of two outputs has a second"
            return positions(x, **rest)
        return np.asarray(np.reshape(x, -1)[sources(x, **rest)])

    def sources_of(x: Array, /, **attributes: Any) -> Sources:
        return Sources(sources(x, **without_output(attributes)) + 1, [x.shape])

    def vjp(upstream: Array, y: Array, x: Array, /, **attributes: Any) -> tuple[Array | None, ...]:
        if says_positions(attributes):
            return (np.zeros(x.shape, dtype=np.asarray(upstream).dtype),)
        return values.vjp(upstream, y, x, **attributes)

    def element(call: Call, index: Index) -> Expression:
        if says_positions(call.attributes):
            return Number(float(call.output.array[index]))
        return values.element(call, index)

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        return [] if says_positions(call.attributes) else values.partials(call, position, index)

    def chosen_by(call: Call, index: Index) -> list[tuple[int, Index]]:
        """Return the number that stood at a place, which has it by its size."""
        if not says_positions(call.attributes):
            return []
        x, rest = call.operands[0], without_output(call.attributes)
        places = call.once("places", lambda: sources(x.array, **rest))
        return [(0, unraveled(int(places[index]), x.shape))]

    def options(call: Call) -> tuple[tuple[str, Any], ...]:
        rest = without_output(call.attributes)
        return unusual({k: v for k, v in rest.items() if k not in unwritten}, usual)

    def formula(call: Call) -> Expression:
        word = f"arg{name}" if says_positions(call.attributes) else name
        return Opaque(word, call.wholes, options(call), lambda x: forward(x, **call.attributes))

    values = copying(
        name,
        bind=bind,
        forward=forward,
        sources=sources_of,
        formula=formula,
        options=options,
        words=words,
    )
    if positions is None:
        return values
    return replace(
        values, vjp=vjp, element=element, partials=partials, several=True, chosen_by=chosen_by
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


SORT = arranging(
    "sort",
    bind=binder("input", dim=-1, descending=False, stable=Ignored()),
    sources=sort_sources,
    positions=order,
    words="the same numbers in order",
    usual={"dim": -1, "descending": False},
)
