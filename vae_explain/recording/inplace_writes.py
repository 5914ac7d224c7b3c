"""Writes to a part of a value, and writes that autograd does not see: what is there after them.

A part is written to by way of a view of the value, as in `h[:, 0].mul_(2)`. Autograd does not
see, or sees only in part, what is written by way of a tensor's `data`, through something
detached, or with gradients off. What follows such a write changes the account of the run so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..trace import UNSEEN, Operation, Slot
from .call_info import index_of
from .tensor_arrays import is_same_memory
from .trace_builder import Reader
from .views import View, view_of, whole_of


class Place(NamedTuple):
    """A part of a value that is about to be written to, and where in the value it is."""

    part: Tensor
    whole: int
    view: View

    def apart(self) -> Tensor:
        """Return the part in a memory of its own, laid out alike: draws come in that order."""
        part = self.part
        return torch.empty_strided(part.shape, part.stride(), dtype=part.dtype).copy_(part)

    def instead(self, apart: Tensor, given: Any) -> Any:
        """Return what a call is given with another tensor in the place of the part."""
        if isinstance(given, tuple):
            return tuple(apart if each is self.part else each for each in given)
        return {name: apart if each is self.part else each for name, each in given.items()}


def place_of(reader: Reader, target: Tensor | None) -> Place | None:
    """Say which part of a value of the run is about to be written to; None if it is no part.

    Where autograd does not look, as with gradients off, the part is nothing of its own.
    """
    whole = None if target is None else reader.whole_of(target)
    if target is None or whole is None:
        return None
    tensor = reader.tape.tensors[whole]
    if tensor.requires_grad and not torch.is_grad_enabled():
        return None
    view = view_of(tensor, target)
    return None if view is None else Place(target, whole, view)


def settle(reader: Reader, place: Place, apart: Tensor) -> None:
    """Let a value be what it was, but for a part that has been written to.

    Parameters
    ----------
    apart
        What the part has become, which has a number.
    """
    number = reader.known(apart)
    assert number is not None, "it was written to, so the call has made it"
    reader.put(place.whole, place.view, number)
    whole = reader.tape.tensors[place.whole]
    follow(reader, [whole], whole)


def is_there_already(tensor: Tensor, key: Any, value: Any) -> bool:
    """Whether `tensor[key] = value` puts a part of the tensor where it is.

    Python does, at the end of `h[:, 0] += v`.
    """
    own = whole_of(tensor) if isinstance(value, Tensor) else None
    if not isinstance(value, Tensor) or whole_of(value) is not (tensor if own is None else own):
        return False
    return is_same_memory(tensor.detach()[index_of(key)], value)


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


def spare(reader: Reader, written: Sequence[int], target: Tensor | None) -> None:
    """Let what was not the target of a write stay what it is where no number has changed.

    `z.detach().clamp_(min=tiny)` is such a write, with which PyTorch's own distributions keep
    a z above zero that most often is.
    """
    for number in written:
        if reader.tape.tensors[number] is not target and reader.tape.is_spared(number):
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
    made = {output for place in places for output in reader.operations[place].outputs}
    return not made.isdisjoint(reader.tape.learning)


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
