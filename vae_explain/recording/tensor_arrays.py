"""Tensors as NumPy arrays: views of the same memory, copied before anything writes to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..trace import Array

IN_PLACE_OPERATORS = {
    "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__", "__ipow__",
    "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "__imatmul__",
    "__setitem__", "__set__",
}  # fmt: skip


class NotDense(UserError):
    """A tensor that does not hold all of its numbers, of which a page could show any."""

    option = "--model"

    def __init__(self, tensor: Tensor) -> None:
        kind = str(tensor.layout).removeprefix("torch.")
        super().__init__(
            f"the model computes with a tensor of the layout {kind}, whose operations are not "
            "explained; give it the dense one, by to_dense()"
        )


def array_of(tensor: Tensor) -> Array:
    """Return a tensor's numbers, in the tensor's own memory wherever NumPy can read it.

    What is returned is not to be written to; `closed` sees to it. bfloat16, which NumPy
    lacks, becomes float32, which holds every one of them.
    """
    array: Array
    try:
        array = tensor.numpy(force=True)
    except TypeError:
        if tensor.layout is not torch.strided:
            raise NotDense(tensor) from None
        if tensor.dtype != torch.bfloat16:
            raise
        array = tensor.float().numpy(force=True)
    return array


def arrays_of(tensors: Sequence[Tensor]) -> list[Array]:
    """Return the numbers of some tensors, which takes less time than one by one."""
    try:
        return [tensor.numpy(force=True) for tensor in tensors]
    except TypeError:  # one of them is of a kind that takes more
        return list(map(array_of, tensors))


def gradients_of(found: Sequence[Tensor | None]) -> list[Array | None]:
    """Return the numbers of some gradients; None where there is none."""
    try:
        return [None if gradient is None else gradient.numpy() for gradient in found]
    except (TypeError, RuntimeError):
        return [None if gradient is None else array_of(gradient) for gradient in found]


def closed(array: Array) -> Array:
    """Return an array after making it one that cannot be written to."""
    array.setflags(write=False)
    return array


def copied(array: Array) -> Array:
    """Return an array that owns its memory."""
    return closed(np.array(array))


def writes_by_name(name: str) -> bool:
    """Whether calls of a name write to their first argument.

    Examples
    --------
    >>> writes_by_name("relu_"), writes_by_name("__iadd__"), writes_by_name("__add__")
    (True, True, False)
    """
    return name in IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))


def is_asked_to_write(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call could be asked by an argument to write to another.

    Any positional True counts, as it may stand where `inplace` does.
    """
    for argument in args:
        if argument is True:
            return True
    return bool(kwargs) and bool(kwargs.get("inplace") or kwargs.get("out") is not None)


def keep_from_writes(arrays: list[Array], arguments: Any) -> list[int]:
    """Give each array that shares memory with a tensor among some arguments its own.

    Returns
    -------
    list of int
        The places of these arrays.
    """
    sharing: dict[int, None] = {}
    for tensor in tensors_in(arguments):
        try:
            about_to_change = array_of(tensor)
        except (TypeError, RuntimeError):
            continue  # of a kind that NumPy cannot read, so no array shares its memory
        for number, array in enumerate(arrays):
            if np.may_share_memory(array, about_to_change):
                arrays[number] = copied(array)
                sharing[number] = None
    return list(sharing)


def is_same_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same numbers in the same places."""
    return (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
    )


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in nested lists, tuples, dicts and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors_in(vars(value))
