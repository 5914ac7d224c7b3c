"""Which values a loss adds up: its terms, found in the recorded operations."""

from __future__ import annotations

from collections.abc import Container, Sequence

from .trace import Array, Operation

# What may stand between a loss and its terms: it adds them up, or scales them by constants.
COMBINERS = {"add", "sub", "neg", "mul", "div", "sum", "mean"}


def loss_terms(
    output: int,
    names: Container[int],
    operations: Sequence[Operation],
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
    arrays
        The values' numbers, by value number.
    learns
        The values that a parameter goes into; the rest are constants of the loss.

    Returns
    -------
    list of int
        The terms in the order in which they are added; empty for a loss in one piece.
    """

    def split(number: int) -> list[int]:
        position = producer(number, operations)
        if position < 0 or (number in names and number != output):
            return [number]
        operation = operations[position]
        parts = [i for i in operation.inputs if i in learns]
        if operation.name not in COMBINERS or not parts:
            return [number]
        if operation.name in ("add", "sub") and len(parts) > 1:
            return [leaf for part in parts for leaf in split(part)]
        if len(parts) > 1:
            return [number]  # a product of two things that learn is one term
        leaves = split(parts[0])
        # `(recon + kl).mean()` adds up one number a row; inside a term's own sum, as the
        # KL has one, there are tensors, and those are not terms.
        per_row = all(i in names and arrays[i].ndim <= 1 for i in leaves)
        through = arrays[parts[0]].size == 1 or per_row
        named = leaves == [parts[0]] and parts[0] in names
        return leaves if through and (len(leaves) > 1 or named) else [number]

    leaves = list(dict.fromkeys(split(output)))
    return leaves if len(leaves) > 1 else []


def producer(number: int, operations: Sequence[Operation]) -> int:
    """Return the position of the operation that made a value; -1 when none did."""
    return next((i for i, op in enumerate(operations) if number in op.outputs), -1)
