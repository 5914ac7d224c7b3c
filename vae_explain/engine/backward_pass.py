"""The backward pass by hand: upstream gradients through the rules' VJPs, in NumPy."""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from ..ops import NotExplained
from ..trace import Array
from .forward_pass import Arrays, Settle, operand_arrays
from .graph import BoundOperation, Graph


def shares(
    bound: BoundOperation, upstream: Array, values: Arrays, wanted: Container[int]
) -> Iterator[tuple[int, Array]]:
    """Yield what an operation passes back to those of its operands that are wanted.

    One that stands at several positions comes once for each of them.
    """
    rule = bound.rule
    if rule is None or bound.no_way_back:
        raise NotExplained(bound.no_way_back)
    sources = {position: number for position, number in bound.sources.items() if number in wanted}
    if not sources:
        return
    given = (upstream, values[bound.output], *operand_arrays(bound, values))
    if rule.vjp_of is not None:
        for position, number in sources.items():
            yield number, rule.vjp_of(position, *given, **bound.attributes)
        return
    every = rule.vjp(*given, **bound.attributes)
    for position, number in sources.items():
        share = every[position] if position < len(every) else None
        if share is not None:
            yield number, share


def backward(
    graph: Graph,
    values: Arrays,
    start: int,
    weight: float | Array = 1.0,
    settle: Settle | None = None,
) -> dict[int, Array]:
    """Return the gradient of a value's sum, times a weight, at every value it came from.

    Parameters
    ----------
    values
        The numbers of the forward pass, by value number.
    start
        The loss, one of its terms, or any other value.
    weight
        One for all of its elements, or one for each.
    settle
        Called with a value's number and its whole gradient, once that is known; what it
        returns is what everything before is computed from.

    Notes
    -----
    An operation without a rule passes on what autograd says its inputs get, as does one whose
    gradient a hook changes, and the hand-made pass goes on from there. Only values that
    autograd has a gradient for are returned.
    """
    trace = graph.trace
    wanted = trace.gradients
    found: dict[int, Array] = {start: np.full(values[start].shape, weight)}
    borrowed: set[int] = set()
    for number in graph.taken.keys() & wanted.keys():
        found[number] = wanted[number].astype(np.float64)
        borrowed.add(number)
    with np.errstate(all="ignore"):
        for bound in reversed(graph.operations):
            upstream = found.get(bound.output)
            if upstream is None:
                continue
            if settle is not None:
                upstream = found[bound.output] = settle(bound.output, upstream)
            if bound.no_way_back:
                for number in bound.operation.inputs:
                    if number in wanted:
                        found[number] = wanted[number].astype(np.float64)
                        borrowed.add(number)
                continue
            for number, share in shares(bound, upstream, values, wanted.keys() - borrowed):
                # The first share is taken as it is: adding it to 0 would lose a -0.
                found[number] = found[number] + share if number in found else share
    return {number: gradient for number, gradient in found.items() if number in wanted}
