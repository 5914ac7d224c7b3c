"""The backward pass by hand: upstream gradients through the rules' VJPs, in NumPy."""

from __future__ import annotations

import numpy as np

from .graph import Graph
from .replay import Arrays, operand_arrays
from .trace import Array


def backward(graph: Graph, values: Arrays, start: int, weight: float = 1.0) -> dict[int, Array]:
    """Return the gradient of one scalar, times a weight, at every value it came from.

    Parameters
    ----------
    values
        The numbers of the forward pass, by value number.
    start
        The loss, or one of its terms.

    Notes
    -----
    An operation without a rule passes on what autograd says its inputs get, and the
    hand-made pass goes on from there. Only values that autograd has a gradient for are
    returned.
    """
    trace = graph.trace
    wanted = trace.gradients
    found: dict[int, Array] = {start: np.full(values[start].shape, weight)}
    borrowed: set[int] = set()
    with np.errstate(all="ignore"):
        for bound in reversed(graph.operations):
            upstream = found.get(bound.output)
            if upstream is None:
                continue
            if bound.rule is None:
                for number in bound.operation.inputs:
                    if number in wanted:
                        found[number] = wanted[number].astype(np.float64)
                        borrowed.add(number)
                continue
            arrays = operand_arrays(bound, values)
            shares = bound.rule.vjp(upstream, values[bound.output], *arrays, **bound.attributes)
            pairs = zip(bound.operands, bound.slots, shares, strict=False)
            for operand, slot, share in pairs:
                number = int(operand) if slot else -1
                if share is None or number not in wanted or number in borrowed:
                    continue
                # The first share is taken as it is: adding it to 0 would lose a -0.
                found[number] = found[number] + share if number in found else share
    return {number: gradient for number, gradient in found.items() if number in wanted}
