"""What a write in place does to the record so far.

A part of a value is written to by way of a view, as in `h[:, 0].mul_(2)`. Autograd does not see,
or sees only in part, what is written by way of a tensor's `data`, through something detached, or
with gradients off. So a write makes new values, and may change the inputs of operations that are
recorded already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..quick_classes import NamedTuple
from ..trace import UNSEEN, Operation, Slot
from .call_info import index_of
from .tensor_arrays import is_same_memory, replaced_in
from .trace_builder import TraceBuilder
from .views import View, base_of, view_of, write_view


class ViewTarget(NamedTuple):
    """A view that is about to be written to, and the part of a value that it is."""

    part: Tensor
    base: int
    view: View

    def copy(self) -> Tensor:
        """Return a copy of the part with the same layout, which decides the order of draws."""
        part = self.part
        return torch.empty_strided(part.shape, part.stride(), dtype=part.dtype).copy_(part)


def view_target(builder: TraceBuilder, target: Tensor | None) -> ViewTarget | None:
    """Say which part of a value of the run is about to be written to; None if it is no part.

    Where autograd does not look, as with gradients off, a part is no value of its own.
    """
    base = None if target is None else builder.store.id_of_base(target)
    if target is None or base is None:
        return None
    tensor = builder.store.tensors[base]
    if tensor.requires_grad and not torch.is_grad_enabled():
        return None
    view = view_of(tensor, target)
    return None if view is None else ViewTarget(target, base, view)


def record_view_write(builder: TraceBuilder, target: ViewTarget, part: int) -> None:
    """Record the value that a write to a part of it has made, given the id of the new part."""
    base = builder.store.tensors[target.base]
    call = write_view(target.view, target.base, base.shape, part, builder.add_constant)
    builder.add(builder.operation(call, base, in_place=True))
    update_aliases(builder, [base], base)


def writes_back(tensor: Tensor, key: Any, value: Any) -> bool:
    """Whether `tensor[key] = value` puts a part of the tensor where it is already.

    Python does so at the end of `h[:, 0] += v`.
    """
    if not isinstance(value, Tensor):
        return False
    base = base_of(tensor)
    if base_of(value) is not (tensor if base is None else base):
        return False
    return is_same_memory(tensor.detach()[index_of(key)], value)


def refresh_parameters(builder: TraceBuilder, written: Sequence[int]) -> None:
    """Take parameters that were written to as they are now.

    What is written to a parameter, with gradients off or by way of its `data`, is no part of
    what is differentiated: autograd has one gradient for it, at what it has become. What was
    computed from it before without a gradient, as the norm that it is divided by, was computed
    from a constant. A parameter from which anything was computed with a gradient is left alone:
    it stands for two values.
    """
    store = builder.store
    for value_id in written:
        if store.kinds[value_id] != "parameter" or not store.tensors[value_id].requires_grad:
            continue
        builder.rewritten.add(value_id)
        uses = _uses(builder, value_id)
        if _have_gradients(builder, uses):
            builder.merged.add(value_id)
            store.outdate(value_id)
            continue
        if uses:
            constant = store.add(torch.from_numpy(np.array(store.arrays[value_id])), "constant")
            for i in uses:
                builder.operations[i] = _with_input(builder.operations[i], value_id, constant)
        store.refresh(value_id)


def keep_unaffected(builder: TraceBuilder, written: Sequence[int], target: Tensor | None) -> None:
    """Keep the values, other than the target, in which a write has changed no number.

    torch.distributions keep z above zero by `z.detach().clamp_(min=tiny)`, which mostly
    changes nothing.
    """
    for value_id in written:
        if builder.store.tensors[value_id] is not target and builder.store.is_unaffected(value_id):
            builder.store.refresh(value_id)


def record_unseen_write(builder: TraceBuilder, op: str, written: Sequence[int]) -> bool:
    """Make new values of what an op has written to without autograd seeing it.

    Such a write passes back what arrives as it is. If something else was computed from the
    value before, autograd has one gradient for the two together.

    Returns
    -------
    bool
        Whether autograd has not seen it.
    """
    unseen = [value_id for value_id in written if builder.store.is_changed_unseen(value_id)]
    for value_id in unseen:
        if builder.store.kinds[value_id] != "intermediate":
            continue
        uses = _uses(builder, value_id)
        new = builder.store.add(builder.store.tensors[value_id], "intermediate")
        if _have_gradients(builder, uses):
            builder.merged |= {value_id, new}
        args, module = (Slot(value_id),), builder.module
        builder.add(Operation(op + UNSEEN, args, {}, (value_id,), (new,), module, in_place=True))
    return bool(unseen)


def update_aliases(builder: TraceBuilder, written: Sequence[Tensor], result: Any) -> None:
    """Find what the run started from and a call wrote to through its `data`.

    A vector-quantised VAE updates its running averages so; autograd counts no new version of
    them. From now on such a tensor is the result of the write, or a constant where only a part
    of it was written to.
    """
    store = builder.store
    storages = {tensor.untyped_storage().data_ptr() for tensor in written}
    made = store.id_of(result) if isinstance(result, Tensor) else None
    for tensor in store.initial:
        if tensor is result or tensor.requires_grad:
            continue
        if tensor.untyped_storage().data_ptr() in storages:
            if made is not None and is_same_memory(tensor, result):
                store.ids[id(tensor)] = made
            else:
                store.outdate(store.ids[id(tensor)])


def _uses(builder: TraceBuilder, value_id: int) -> list[int]:
    """Return the positions of the operations so far that were given a value."""
    return [i for i, each in enumerate(builder.operations) if value_id in each.inputs]


def _have_gradients(builder: TraceBuilder, positions: Sequence[int]) -> bool:
    """Whether there is a gradient at anything that some operations made."""
    made = {output for position in positions for output in builder.operations[position].outputs}
    return not made.isdisjoint(builder.store.differentiable)


def _with_input(operation: Operation, old: int, new: int) -> Operation:
    """Return an operation with another value in the place of one of its inputs."""

    def other(argument: Any) -> Any:
        return Slot(new) if argument == Slot(old) else argument

    args, kwargs = replaced_in((operation.args, operation.kwargs), other)
    inputs = tuple(new if each == old else each for each in operation.inputs)
    return operation._replace(args=args, kwargs=kwargs, inputs=inputs)
