"""The backward pass by hand: upstream gradients through the rules' VJPs, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator

import numpy as np

from ..ops import NotExplained
from ..trace import Array
from .forward_pass import Adjust, Arrays, operand_arrays
from .graph import BoundOperation, Graph

# Takes an array that an operation makes on the way, and returns the one to go on with.
Within = Callable[[Array], Array]


def shares(
    bound: BoundOperation,
    upstream: Array,
    values: Arrays,
    wanted: Container[int],
    within: Within | None = None,
) -> Iterator[tuple[int, Array]]:
    """Yield what an operation passes back to those of its operands that are wanted.

    An operand that stands at several positions comes once for each of them. For `within` see
    `backward`.
    """
    rule = bound.rule
    if rule is None or bound.no_way_back:
        raise NotExplained(bound.no_way_back)
    sources = {position: source for position, source in bound.sources.items() if source in wanted}
    if not sources:
        return
    arrays = (upstream, values[bound.output], *operand_arrays(bound, values))
    products: tuple[Array | None, ...] = ()
    if within is not None and rule.vjp_computed is not None:
        products = rule.vjp_computed(within, *arrays, **bound.attributes)
    elif rule.vjp_of is None:
        products = rule.vjp(*arrays, **bound.attributes)
    for position, source in sources.items():
        if rule.vjp_of is not None:
            share = rule.vjp_of(position, *arrays, **bound.attributes)
        else:
            share = products[position] if position < len(products) else None
        if share is not None:
            yield source, share


def accumulate(gradients: dict[int, Array], value_id: int, share: Array) -> None:
    """Add a share to a value's gradient.

    The first share is taken as it is: adding it to 0 would lose a -0.
    """
    before = gradients.get(value_id)
    gradients[value_id] = share if before is None else before + share


def backward(
    graph: Graph,
    values: Arrays,
    start: int,
    weight: float | Array = 1.0,
    adjust: Adjust | None = None,
    towards: Collection[int] = (),
    within: Within | None = None,
) -> dict[int, Array]:
    """Return the gradient of a value's sum, times a weight, at every value it came from.

    Parameters
    ----------
    values
        The arrays of the forward pass, by value id.
    start
        The id of the loss, of one of its terms, or of any other value.
    weight
        One for all of its elements, or one for each.
    adjust
        Called with each computed value's whole gradient before it is passed on.
    towards
        Values at which alone the gradient is wanted: what does not come of them is left out.
    within
        Called with each array that PyTorch computes within an operation, of one whose gradient
        it rounds otherwise than the rule does: that is then made as PyTorch makes it.

    Notes
    -----
    An operation without a rule passes on what autograd says its inputs get, as does one whose
    gradient a hook changes, and the hand-made pass goes on from there. Only values that
    autograd has a gradient for are returned.
    """
    recorded = graph.trace.gradients
    if towards:
        recorded = {n: array for n, array in recorded.items() if graph.depends(n, towards)}
    gradients: dict[int, Array] = {start: np.full(values[start].shape, weight)}
    by_hand = set(recorded)

    def borrow(value_id: int) -> None:
        if value_id in recorded:
            gradients[value_id] = recorded[value_id].astype(np.float64)
            by_hand.discard(value_id)

    for value_id in graph.taken:
        borrow(value_id)
    with np.errstate(all="ignore"):
        for bound in reversed(graph.operations):
            upstream = gradients.get(bound.output)
            if upstream is None:
                continue
            if adjust is not None:
                upstream = gradients[bound.output] = adjust(bound.output, upstream)
            if bound.no_way_back:
                for source in bound.operation.inputs:
                    borrow(source)
                continue
            for source, share in shares(bound, upstream, values, by_hand, within):
                accumulate(gradients, source, share)
    # Of one number NumPy's arithmetic makes no array.
    return {n: np.asarray(gradient) for n, gradient in gradients.items() if n in recorded}
