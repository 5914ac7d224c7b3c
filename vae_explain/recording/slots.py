"""Arguments of a call as the record has them: a slot in the place of each tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from torch import Tensor

from ..trace import Slot
from .tensor_store import TensorStore

SEQUENCES = (list, tuple)  # a union would be made anew at each look
NUMBERS = (float, int)
slot_of = lru_cache(maxsize=10_000)(Slot)  # makes one for all uses of a value


def slots_of(
    arguments: Iterable[Any],
    store: TensorStore,
    add_unseen: Callable[[Tensor], int],
    inputs: list[int],
) -> tuple[Any, ...]:
    """Return some arguments with a slot in the place of each tensor, and list these tensors' ids.

    Parameters
    ----------
    add_unseen
        Gives an id to a tensor that has none, or was written to since it got one.
    inputs
        Gets the ids.
    """
    ids, synced = store.ids, store.synced
    slots: list[Any] = []
    for argument in arguments:
        value_id = ids.get(id(argument))
        if value_id is None:
            if type(argument) in NUMBERS:
                slots.append(argument)
                continue
            if isinstance(argument, SEQUENCES):
                slots.append(slots_of(argument, store, add_unseen, inputs))
                continue
            if not isinstance(argument, Tensor):
                slots.append(_as_python(argument))
                continue
            value_id = add_unseen(argument)
        elif value_id < synced and not store.is_current(value_id):
            # It was written to through another view of its memory.
            value_id = add_unseen(argument)
        inputs.append(value_id)
        slots.append(slot_of(value_id))
    return tuple(slots)


def _as_python(argument: Any) -> Any:
    """Return a NumPy scalar as Python's number: `np.prod(shape)` gives the size of many layers."""
    if isinstance(argument, np.generic):
        return argument.item()
    if isinstance(argument, slice):
        bounds = (argument.start, argument.stop, argument.step)
        if any(isinstance(bound, np.generic) for bound in bounds):
            return slice(*map(_as_python, bounds))
    return argument
