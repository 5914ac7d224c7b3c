"""The forward pass by hand: a trace run again in NumPy, with other numbers if wanted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .graph import BoundOperation, Graph
from .trace import Array

Arrays = Mapping[int, Array]


def operand_arrays(bound: BoundOperation, arrays: Arrays) -> tuple[Array, ...]:
    """Return an operation's operands as arrays, its constants among them."""
    return tuple(
        arrays[int(operand)] if slot else np.asarray(float(operand))
        for operand, slot in zip(bound.operands, bound.slots, strict=True)
    )


def replay(graph: Graph, given: Arrays | None = None) -> dict[int, Array]:
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
        for value in graph.trace.values:
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
                values[value.id] = np.asarray(bound.rule.forward(*arrays, **bound.attributes))
    return values


def _as_float64(array: Array) -> Array:
    return array.astype(np.float64) if np.issubdtype(array.dtype, np.floating) else array
