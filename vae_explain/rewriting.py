"""Writes that autograd does not see, or sees only in part: what the values are after them.

Such are writes by way of a tensor's `data`, through something detached, or with gradients
off. Each function here is told of one that has just happened, and changes the account of the
run so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .capture import is_same_memory
from .reading import Reader
from .trace import UNSEEN, Operation, Slot


def renew(reader: Reader, written: Sequence[int]) -> None:
    """Let parameters that were written to be what they are now.

    What is written to a parameter, with gradients off or by way of its `data`, is no part
    of what is differentiated: autograd has one gradient for it, at what it has become. What
    was computed from it before without a gradient, as the norm that it is divided by, was
    computed from a constant. One that anything else was computed from is left alone, for it
    was two things.
    """
    for number in written:
        if reader.kinds[number] != "parameter" or not reader.tape.tensors[number].requires_grad:
            continue
        reader.rewritten.add(number)
        uses = _uses(reader, number)
        if _has_gradients(reader, uses):
            continue
        if uses:
            before = torch.from_numpy(np.array(reader.tape.array(number)))
            constant = reader.register(before, "constant")
            for i in uses:
                reader.operations[i] = _with_other(reader.operations[i], number, constant)
        reader.tape.renew(number)


def follow(reader: Reader, targets: Sequence[Tensor], result: Any) -> None:
    """Find what the run started from where it was written to by way of its `data`.

    Running averages are, as those of a vector-quantised VAE, and autograd counts no new
    version of them. Such a tensor is from now on what was made of it, or a constant where
    only a part of it was written to.
    """
    storages = {tensor.untyped_storage().data_ptr() for tensor in targets}
    made = reader.known(result) if isinstance(result, Tensor) else None
    for tensor in reader.tape.given:
        if tensor is result or tensor.requires_grad:
            continue
        if tensor.untyped_storage().data_ptr() in storages:
            if made is not None and is_same_memory(tensor, result):
                reader.renumber(tensor, made)
            else:
                number = reader.known(tensor)
                assert number is not None, "what was given has a number"
                reader.tape.outdate(number)


def overwrite(reader: Reader, name: str, unseen: Sequence[int]) -> None:
    """Make new values of what was written to where autograd did not see it.

    Nothing is passed back through such a write but what arrives. Where something else was
    computed from the value before, autograd has one gradient for the two together.

    Parameters
    ----------
    name
        What wrote.
    unseen
        The values that it changed.
    """
    for number in unseen:
        if reader.kinds[number] != "intermediate":
            continue
        uses = _uses(reader, number)
        new = reader.register(reader.tape.tensors[number], "intermediate")
        if _has_gradients(reader, uses):
            reader.merged |= {number, new}
        args, module = (Slot(number),), reader.module
        reader.add(Operation(name + UNSEEN, args, {}, (number,), (new,), module, in_place=True))


def _uses(reader: Reader, number: int) -> list[int]:
    """Return the places of the operations so far that were given a value."""
    return [i for i, each in enumerate(reader.operations) if number in each.inputs]


def _has_gradients(reader: Reader, places: Sequence[int]) -> bool:
    """Whether there is a gradient at anything that some operations made."""
    made = [output for place in places for output in reader.operations[place].outputs]
    return any(reader.tape.tensors[output].requires_grad for output in made)


def _with_other(operation: Operation, number: int, other: int) -> Operation:
    """Return an operation with another value in the place of one of its inputs."""

    def replaced(argument: Any) -> Any:
        if isinstance(argument, tuple):
            return tuple(map(replaced, argument))
        return Slot(other) if argument == Slot(number) else argument

    return operation._replace(
        args=replaced(operation.args),
        kwargs={name: replaced(argument) for name, argument in operation.kwargs.items()},
        inputs=tuple(other if each == number else each for each in operation.inputs),
    )
