"""Tensors as NumPy arrays: views of the same memory, copied before anything writes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .trace import Array

IN_PLACE_OPERATORS = {
    "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__",
    "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "__imatmul__",
    "__setitem__", "__set__",
}  # fmt: skip


def array_of(tensor: Tensor) -> Array:
    """Return a tensor's numbers, in the tensor's own memory wherever NumPy can read it.

    What is returned is not to be written to. bfloat16, which NumPy lacks, becomes float32,
    which holds every one of them.
    """
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    array: Array = tensor.numpy(force=True)
    array.setflags(write=False)
    return array


def copied(array: Array) -> Array:
    """Return an array that owns its memory."""
    copy: Array = np.array(array)
    copy.setflags(write=False)
    return copy


def may_write(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call could write to one of its arguments.

    Any positional True counts, as it may stand where `inplace` does.

    Examples
    --------
    >>> may_write("relu_", (), {}), may_write("add", (), {}), may_write("relu", (0, True), {})
    (True, False, True)
    """
    if kwargs and (kwargs.get("inplace") or kwargs.get("out") is not None):
        return True
    for argument in args:
        if argument is True:
            return True
    return _writes_by_name(name)


@cache
def _writes_by_name(name: str) -> bool:
    return name in IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))


class Arrays:
    """The arrays of some tensors in the order in which they came.

    They are made when they are needed, all in a row, which takes half the time.
    """

    def __init__(self) -> None:
        self._made: list[Array] = []
        self._waiting: list[Tensor] = []

    def add(self, tensor: Tensor, copy: bool) -> None:
        """Add a tensor, as it is now: nobody may write to it but by a call we see."""
        if copy:
            self.all().append(copied(array_of(tensor)))
        else:
            self._waiting.append(tensor)

    def all(self) -> list[Array]:
        """Return the arrays."""
        if self._waiting:
            self._made.extend(map(array_of, self._waiting))
            self._waiting.clear()
        return self._made

    def keep_from_writes(self, arguments: Any) -> None:
        """Give each array that shares memory with a tensor among some arguments its own."""
        arrays = self.all()
        for tensor in tensors_in(arguments):
            try:
                about_to_change = array_of(tensor)
            except (TypeError, RuntimeError):
                continue  # of a kind that NumPy cannot read, so no array shares its memory
            for number, array in enumerate(arrays):
                if np.may_share_memory(array, about_to_change):
                    arrays[number] = copied(array)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested lists, tuples and dicts."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
