"""Which values a loss adds up: its terms, found in the recorded operations."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from ..trace import Array, Operation

# What may stand between a loss and its terms: it adds them up, or scales them by constants.
COMBINERS = {"add", "sub", "neg", "mul", "div", "sum", "mean"}


class Ancestry:
    """Which operation made which value, and so what a value was computed from."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations
        self._makers: dict[int, Operation] = {}
        for operation in operations:
            for output in operation.outputs:
                self._makers.setdefault(output, operation)

    def maker(self, number: int) -> Operation | None:
        """Return the operation that made a value; None when none did."""
        return self._makers.get(number)

    def feed_each_other(self, numbers: Sequence[int], learns: Container[int]) -> bool:
        """Whether one of some values was computed from another, by way of what learns."""
        given = set(numbers)
        after: set[int] = set()  # what was computed from one of them
        for operation in self._operations:
            for number in operation.inputs:
                if number in given or number in after:
                    made = {output for output in operation.outputs if output in learns}
                    if made & given and number in learns:
                        return True
                    after |= made
        return False


def loss_terms(
    output: int,
    names: Container[int],
    ancestry: Ancestry,
    arrays: Sequence[Array],
    learns: Container[int],
) -> list[int]:
    """Follow the sums that end in the loss back to the values that they add.

    Parameters
    ----------
    output
        The number of the loss.
    names
        The values that have a name, at which a sum is not taken apart further.
    ancestry
        What each value was computed from.
    arrays
        The values' numbers, by value number.
    learns
        The values that a parameter goes into; the rest are constants of the loss.

    Returns
    -------
    list of int
        The terms in the order in which they are added; empty for a loss in one piece.
    """

    # A class and not a function within this one: such a function, which calls itself, would
    # hold on to itself, and to all the arrays, until the next garbage collection.
    leaves = list(dict.fromkeys(_Splitter(output, names, ancestry, arrays, learns).split(output)))
    return leaves if len(leaves) > 1 else []


class _Splitter(NamedTuple):
    """Takes sums apart; what it has is what `loss_terms` is given."""

    output: int
    names: Container[int]
    ancestry: Ancestry
    arrays: Sequence[Array]
    learns: Container[int]

    def split(self, number: int) -> list[int]:
        """Return the values that a value is the sum of, or the value itself."""
        names = self.names
        operation = self.ancestry.maker(number)
        if operation is None or (number in names and number != self.output):
            return [number]
        parts = [i for i in operation.inputs if i in self.learns]
        if operation.name not in COMBINERS or not parts:
            return [number]
        if operation.name in ("add", "sub") and len(parts) > 1:
            return [leaf for part in parts for leaf in self.split(part)]
        if len(parts) > 1:
            return [number]  # a product of two things that learn is one term
        leaves = self.split(parts[0])
        # `(recon + kl).mean()` adds up one number a row; inside a term's own sum, as the
        # KL has one, there are tensors, and those are not terms.
        per_row = all(i in names and self.arrays[i].ndim <= 1 for i in leaves)
        through = self.arrays[parts[0]].size == 1 or per_row
        named = leaves == [parts[0]] and parts[0] in names
        return leaves if through and (len(leaves) > 1 or named) else [number]
