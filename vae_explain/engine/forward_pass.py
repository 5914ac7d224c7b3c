"""The forward pass by hand: a trace run again in NumPy, with other numbers if wanted."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ..ops import NotExplained
from ..trace import Array
from .graph import BoundOperation, Graph

Arrays = Mapping[int, Array]
# What a value becomes before what follows is computed from it.
Settle = Callable[[int, Array], Array]


def operand_arrays(bound: BoundOperation, arrays: Arrays) -> tuple[Array, ...]:
    """Return an operation's operands as arrays, its constants among them."""
    return tuple(
        arrays[int(operand)] if slot else np.asarray(float(operand))
        for operand, slot in zip(bound.operands, bound.slots, strict=True)
    )


def replay(
    graph: Graph, given: Arrays | None = None, settle: Settle | None = None
) -> dict[int, Array]:
    """Run a trace again by its rules, in float64.

    Parameters
    ----------
    given
        Numbers to use in place of the recorded ones, by value number. What was computed
        is computed anew, so usually inputs, parameters and noise.

    Returns
    -------
    dict
        Every value of the run by number. The output of an operation without a rule is
        the recorded one: nothing is guessed.
    """
    given = given or {}
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):  # an overflow shows as the inf that it is
        # What is given comes first: a constant may have been numbered after it was used.
        for value in sorted(graph.trace.values, key=lambda value: value.id in graph.trace.producer):
            bound = graph.producer(value.id)
            if value.id in given:
                # A label or an index stays the whole number that it is.
                real = np.issubdtype(value.array.dtype, np.floating)
                kind = np.float64 if real else value.array.dtype
                values[value.id] = np.asarray(given[value.id], dtype=kind)
            elif bound is None or bound.rule is None or bound.rule.source:
                values[value.id] = _as_float64(value.array)
            else:
                arrays = operand_arrays(bound, values)
                computed = np.asarray(bound.rule.forward(*arrays, **bound.attributes))
                values[value.id] = settle(value.id, computed) if settle else computed
    return values


def replay_part(
    graph: Graph, values: Arrays, given: Arrays, wanted: Iterable[int]
) -> dict[int, Array]:
    """Run only what lies between some given numbers and some wanted values again.

    Parameters
    ----------
    values
        The numbers of the whole run, which stand wherever `given` has no influence.
    given
        Numbers to use in place of those, by value number, computed ones among them.

    Returns
    -------
    dict
        The wanted values, by number, in float64.

    Raises
    ------
    NotExplained
        If an operation without a rule lies between.
    """
    targets = set(wanted)
    needed: set[int] = set()
    stack = [number for number in targets if number not in given]
    while stack:
        number = stack.pop()
        if number not in needed:
            needed.add(number)
            position = graph.trace.producer.get(number)
            inputs = () if position is None else graph.trace.operations[position].inputs
            stack += [i for i in inputs if i not in given]
    found = {number: np.asarray(array, dtype=np.float64) for number, array in given.items()}
    moved = set(given)
    arrays = ChainMap(found, _Float64(values))
    with np.errstate(all="ignore"):
        for bound in graph.operations:
            if bound.output in moved or not moved.intersection(bound.operation.inputs):
                continue
            if bound.output in needed:
                if bound.rule is None:
                    raise NotExplained(f"{bound.operation.name}: {bound.reason}")
                operands = operand_arrays(bound, arrays)
                found[bound.output] = np.asarray(bound.rule.forward(*operands, **bound.attributes))
                moved.add(bound.output)
    return {number: arrays[number] for number in targets}


class _Float64(dict[int, Array]):
    """Values that turn into float64 when they are asked for."""

    def __init__(self, values: Arrays) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, number: int) -> Array:
        array = self[number] = _as_float64(self._values[number])
        return array

    def __contains__(self, number: object) -> bool:
        return number in self._values


def _as_float64(array: Array) -> Array:
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array
