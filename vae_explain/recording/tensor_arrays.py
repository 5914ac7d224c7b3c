"""Tensors as NumPy arrays: views of the same memory, copied before anything writes to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import peek_interpreter_stack

from ..errors import UserError
from ..trace import Array


class NotDense(UserError):
    """A tensor, such as a sparse one, that does not hold all of its numbers."""

    option = "--model"

    def __init__(self, tensor: Tensor) -> None:
        kind = str(tensor.layout).removeprefix("torch.")
        super().__init__(
            f"the model computes with a tensor of the layout {kind}, whose operations are not "
            "explained; give it the dense one, by to_dense()"
        )


class NotReadable(UserError):
    """A tensor of numbers that NumPy cannot read, or of none."""

    option = "--model"

    def __init__(self, tensor: Tensor) -> None:
        of, mend = f"numbers of {str(tensor.dtype).removeprefix('torch.')}", "compute in float32"
        if tensor.is_meta:
            of, mend = "no numbers, on the device meta", "make it on the CPU"
        elif tensor.is_nested:
            of, mend = "rows of several lengths, a nested one", "pad it, by to_padded_tensor()"
        elif peek_interpreter_stack() is not None:
            of = "numbers that cannot be read yet, within a transform of torch.func"
            mend = "take a gradient by torch.autograd.grad"
        elif tensor.is_quantized:
            mend = "give it dequantized, by dequantize()"
        super().__init__(
            f"the model has a tensor of {of}, whose operations are not explained; {mend}"
        )


class NotReal(UserError):
    """A value of complex numbers."""

    option = "--model"

    def __init__(self, what: str, made_by: str = "") -> None:
        mend = "make its real and its imaginary part as two real tensors"
        if "fft" in made_by:
            mend += (
                ", those of a spectrum as x @ torch.cos(w) and -x @ torch.sin(w) with w = 2π/n · "
                "torch.outer(torch.arange(n), torch.arange(n // 2 + 1))"
            )
        super().__init__(f"{what} is complex, and pages show only real numbers; {mend}")


def array_of(tensor: Tensor) -> Array:
    """Return a tensor's numbers, in the tensor's own memory wherever NumPy can read it.

    It must not be written to; `closed` makes sure. bfloat16, which NumPy lacks, becomes
    float32, which holds every one of its numbers.
    """
    array: Array
    try:
        array = tensor.numpy(force=True)
    except (TypeError, RuntimeError):
        require_numbers(tensor)
        if tensor.dtype != torch.bfloat16:
            raise NotReadable(tensor) from None
        array = tensor.float().numpy(force=True)
    return array


def require_numbers(tensor: Tensor) -> None:
    """Raise `NotDense` or `NotReadable` for a tensor without all of its numbers in a grid."""
    if tensor.layout is not torch.strided:
        raise NotDense(tensor)
    if tensor.is_meta or tensor.is_nested:
        raise NotReadable(tensor)


def arrays_of(tensors: Sequence[Tensor]) -> list[Array]:
    """Return the numbers of some tensors, in less time than one by one."""
    try:
        return [tensor.numpy(force=True) for tensor in tensors]
    except (TypeError, RuntimeError):  # one of them needs `array_of`
        return list(map(array_of, tensors))


def gradient_arrays(gradients: Sequence[Tensor | None]) -> list[Array | None]:
    """Return the numbers of some gradients; None where there is none."""
    try:
        return [None if gradient is None else gradient.numpy() for gradient in gradients]
    except (TypeError, RuntimeError):
        return [None if gradient is None else array_of(gradient) for gradient in gradients]


def close(arrays: Iterable[Array]) -> None:
    """Make arrays read-only."""
    for array in arrays:
        array.setflags(write=False)


def closed(array: Array) -> Array:
    """Make an array read-only, and return it."""
    array.setflags(write=False)
    return array


def copied(array: Array) -> Array:
    """Return a read-only copy of an array."""
    return closed(np.array(array))


def keep_from_writes(arrays: list[Array], arguments: Any) -> list[int]:
    """Copy, in its list, each array that shares memory with a tensor among some arguments.

    Returns
    -------
    list of int
        The positions of these arrays.
    """
    sharing: dict[int, None] = {}
    for tensor in tensors_in(arguments):
        try:
            about_to_change = array_of(tensor)
        except (NotDense, NotReadable, RuntimeError):
            continue  # of a kind that NumPy cannot read, so no array shares its memory
        for position, array in enumerate(arrays):
            if np.may_share_memory(array, about_to_change):
                arrays[position] = copied(array)
                sharing[position] = None
    return list(sharing)


def is_same_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are the same numbers at the same addresses."""
    if one.data_ptr() != other.data_ptr() or one.shape != other.shape or one.dtype != other.dtype:
        return False
    axes = [axis for axis, size in enumerate(one.shape) if size > 1]
    return all(one.stride(axis) == other.stride(axis) for axis in axes)


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


def replaced_in(value: Any, other: Callable[[Any], Any]) -> Any:
    """Return nested lists, tuples and dicts with each thing in them replaced."""
    if isinstance(value, Mapping):
        return {key: replaced_in(each, other) for key, each in value.items()}
    if isinstance(value, list | tuple):
        changed = [replaced_in(each, other) for each in value]
        named = isinstance(value, tuple) and hasattr(value, "_fields")
        return type(value)(*changed) if named else type(value)(changed)
    return other(value)
