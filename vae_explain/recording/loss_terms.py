"""Which values a loss adds up: its terms, read off the recorded operations."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from ..quick_classes import NamedTuple
from ..trace import Array, Operation

# What may stand between a loss and its terms: it adds them up, or scales them by constants.
COMBINERS = {"add", "sub", "neg", "mul", "div", "sum", "mean"}


def producers_of(operations: Sequence[Operation]) -> dict[int, Operation]:
    """Return by value id the operation that made each computed value, the first if several did."""
    return {output: operation for operation in reversed(operations) for output in operation.outputs}


def feed_each_other(
    operations: Sequence[Operation], terms: Sequence[int], differentiable: Container[int]
) -> bool:
    """Whether one of some values was computed from another, by way of differentiable values."""
    wanted = set(terms)
    reached = set(terms)  # they, and what was computed from one of them
    for operation in operations:
        if reached.isdisjoint(operation.inputs):
            continue
        for source in operation.inputs:
            if source in reached:
                made = {output for output in operation.outputs if output in differentiable}
                if made & wanted and source in differentiable:
                    return True
                reached |= made
    return False


class LossTerms(NamedTuple):
    """Follows the sums that end in the loss back to the values that they add.

    A class and not a recursive closure, which would hold on to itself, and so to all the
    arrays, until the next garbage collection.

    Attributes
    ----------
    output
        The id of the loss.
    named
        The values that have a name, at which a sum is not taken apart further.
    producers
        The operation that made each value.
    arrays
        The values' arrays.
    differentiable
        The values that a parameter goes into; the rest are constants of the loss.
    """

    output: int
    named: Container[int]
    producers: Mapping[int, Operation]
    arrays: Sequence[Array]
    differentiable: Container[int]

    def find(self) -> list[int]:
        """Return the terms in the order in which they are added; none for a loss in one piece."""
        terms = list(dict.fromkeys(self._split(self.output)))
        return terms if len(terms) > 1 else []

    def _split(self, value_id: int) -> list[int]:
        """Return the values that a value is the sum of, or the value itself."""
        operation = self.producers.get(value_id)
        if operation is None or (value_id in self.named and value_id != self.output):
            return [value_id]
        operands = [i for i in operation.inputs if i in self.differentiable]
        if operation.name not in COMBINERS or not operands:
            return [value_id]
        if operation.name in ("add", "sub") and len(operands) > 1:
            return [term for operand in operands for term in self._split(operand)]
        if len(operands) > 1:
            return [value_id]  # a product of two differentiable values is one term
        operand = operands[0]
        terms = self._split(operand)
        # `(recon + kl).mean()` adds up one number a row; inside a term's own sum, as the
        # KL has one, there are tensors, and those are not terms.
        per_row = all(i in self.named and self.arrays[i].ndim <= 1 for i in terms)
        through = self.arrays[operand].size == 1 or per_row
        is_named = terms == [operand] and operand in self.named
        return terms if through and (len(terms) > 1 or is_named) else [value_id]
