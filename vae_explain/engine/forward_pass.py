"""The forward pass by hand: a trace replayed in NumPy, with other numbers if wanted."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

import numpy as np

from ..ops import NotExplained
from ..trace import Array
from .graph import BoundOperation, Graph

Arrays = Mapping[int, Array]
# Takes a value's id and its array, and returns the array that a pass goes on with.
Adjust = Callable[[int, Array], Array]


def operand_arrays(bound: BoundOperation, arrays: Arrays) -> tuple[Array, ...]:
    """Return an operation's operands as arrays, its constants among them."""
    return tuple(
        arrays[int(operand)] if slot else np.asarray(float(operand))
        for operand, slot in zip(bound.operands, bound.slots, strict=True)
    )


def replay(
    graph: Graph, replacements: Arrays | None = None, adjust: Adjust | None = None
) -> dict[int, Array]:
    """Run a trace again by its rules, in float64.

    Parameters
    ----------
    replacements
        Arrays to use in place of the recorded ones, by value id: usually of inputs,
        parameters and noise, since what is computed is computed anew.
    adjust
        Called with each computed value before anything is computed from it.

    Returns
    -------
    dict
        Every value of the run by id. The output of an operation without a rule is the
        recorded one: nothing is guessed.
    """
    replacements = replacements or {}
    arrays: dict[int, Array] = {}
    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        # Leaves come first: a constant may have got its id after it was used.
        for value in sorted(graph.trace.values, key=lambda value: value.id in graph.trace.producer):
            bound = graph.producer(value.id)
            if value.id in replacements:
                # A label or an index stays the whole number that it is.
                real = np.issubdtype(value.array.dtype, np.floating)
                dtype = np.float64 if real else value.array.dtype
                arrays[value.id] = np.asarray(replacements[value.id], dtype=dtype)
            elif bound is None or bound.rule is None or bound.rule.source:
                arrays[value.id] = _as_float64(value.array)
            else:
                computed = _computed(bound, arrays)
                arrays[value.id] = adjust(value.id, computed) if adjust else computed
    return arrays


def replay_part(
    graph: Graph, values: Arrays, replacements: Arrays, wanted: Iterable[int]
) -> dict[int, Array]:
    """Run again only what lies between some replaced values and some wanted ones.

    Parameters
    ----------
    values
        The arrays of the whole run, which stand wherever `replacements` have no influence.
    replacements
        Arrays to use in place of those, by value id, computed values among them.

    Returns
    -------
    dict
        The wanted values, by id, in float64.

    Raises
    ------
    NotExplained
        If an operation without a rule lies between.
    """
    return replays_of_part(graph, values, replacements.keys(), wanted)(replacements)


def replays_of_part(
    graph: Graph, values: Arrays, replaced: AbstractSet[int], wanted: Iterable[int]
) -> Callable[[Arrays], dict[int, Array]]:
    """Return `replay_part` as a function of the replacements, of which only the keys are known."""
    targets = set(wanted)
    needed = targets - replaced
    for bound in reversed(graph.operations):
        if bound.output in needed:
            needed.update(set(bound.operation.inputs) - replaced)
    reached, between = set(replaced), list[BoundOperation]()
    for bound in graph.operations:
        if bound.output in reached or reached.isdisjoint(bound.operation.inputs):
            continue
        if bound.output in needed:
            reached.add(bound.output)
            between.append(bound)
    still = InFloat64(values)

    def again(replacements: Arrays) -> dict[int, Array]:
        changed = {each: np.asarray(array, np.float64) for each, array in replacements.items()}
        arrays = ChainMap[int, Array](changed, still)
        with np.errstate(all="ignore"):
            for bound in between:
                changed[bound.output] = _computed(bound, arrays)
        return {each: arrays[each] for each in targets}

    return again


def _computed(bound: BoundOperation, arrays: Arrays) -> Array:
    """Return what an operation computes; `NotExplained` if it has no rule."""
    if bound.rule is None:
        raise NotExplained(bound.no_way_back)
    return np.asarray(bound.rule.forward(*operand_arrays(bound, arrays), **bound.attributes))


class InFloat64(dict[int, Array]):
    """The values of a run in float64, each converted when it is first asked for."""

    def __init__(self, values: Arrays) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, value_id: int) -> Array:
        array = self[value_id] = _as_float64(self._values[value_id])
        return array

    def __contains__(self, value_id: object) -> bool:
        return value_id in self._values


def _as_float64(array: Array) -> Array:
    is_real = np.issubdtype(array.dtype, np.floating)
    return array.astype(np.float64, copy=False) if is_real else array
