"""Tensors that share the memory of another: which part of it they are.

A view is told from its memory and not from the calls that made it: `h[0][1:]`, `h.narrow(…)`
and a row of `for row in h` are all a key between brackets. So a view of something that was
written to can be made again of what that has become, and what was written to a view can be put
in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from ..trace import Slot

Key = tuple[Any, ...]


class View(NamedTuple):
    """How a view is made of the whole that it shares memory with.

    One of the three is there: a key between brackets, the axes in another order, or another
    shape.
    """

    key: Key | None = None
    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None


# The number of a tensor of indices, which becomes a value of the run.
NumberOf = Callable[[Tensor], int]


def whole_of(tensor: Tensor) -> Tensor | None:
    """Return what a tensor is a view of; None for one that has its own memory."""
    return None if is_functorch_wrapped_tensor(tensor) else tensor._base


def view_of(whole: Tensor, part: Tensor) -> View | None:
    """Say which part of a tensor another is; None for one that reads it as another kind."""
    if part.dtype != whole.dtype or part.layout != torch.strided or not part.numel():
        return None
    if not whole.dim():
        return View(shape=tuple(part.shape)) if part.numel() == 1 else None
    key = basic_key(whole.detach(), part)
    if key is not None:
        return View(key=key)
    offset = part.storage_offset() - whole.storage_offset()
    if offset < 0 or _extent(part) + offset > _extent(whole):
        return None
    positions = torch.empty_strided(whole.shape, whole.stride(), dtype=torch.long).fill_(-1)
    positions.copy_(torch.arange(whole.numel()).view(whole.shape))
    taken = positions.as_strided(part.shape, part.stride(), offset).numpy()
    axes = _order(whole, part)
    if axes is not None and np.array_equal(positions.permute(axes).numpy(), taken):
        return View(axes=axes)
    if np.array_equal(taken.ravel(), np.arange(whole.numel())):
        return View(shape=taken.shape)
    places = np.unravel_index(taken, whole.shape)
    return View(key=tuple(torch.from_numpy(np.array(axis)) for axis in places))


def take(view: View, whole: int, number_of: NumberOf) -> tuple[str, tuple[Any, ...]]:
    """Return the op that makes a view of the whole, and its arguments.

    Parameters
    ----------
    whole
        Its number.
    """
    if view.axes is not None:
        return _permuted(whole, view.axes)
    if view.shape is not None:
        return "reshape", (Slot(whole), view.shape)
    return "getitem", (Slot(whole), _slotted(view, number_of))


def put(
    view: View, before: int, shape: Sequence[int], part: int, number_of: NumberOf
) -> tuple[str, tuple[Any, ...]]:
    """Return the op that makes the whole of what it was and of a part that is new.

    Parameters
    ----------
    before
        The number of the whole as it was.
    shape
        Its shape.
    part
        The number of the part as it is now.
    """
    if view.axes is not None:
        return _permuted(part, tuple(int(axis) for axis in np.argsort(view.axes)))
    if view.shape is not None:
        return "reshape", (Slot(part), tuple(shape))
    return "setitem", (Slot(before), _slotted(view, number_of), Slot(part))


def slots_in(args: Any) -> tuple[int, ...]:
    """Return the numbers of the values in an argument list, in order."""
    if isinstance(args, tuple):
        return tuple(number for each in args for number in slots_in(each))
    return (args.id,) if isinstance(args, Slot) else ()


def _permuted(number: int, axes: tuple[int, ...]) -> tuple[str, tuple[Any, ...]]:
    return ("T", (Slot(number),)) if axes == (1, 0) else ("permute", (Slot(number), axes))


def _slotted(view: View, number_of: NumberOf) -> Key:
    assert view.key is not None, "the only thing that is left"
    return tuple(Slot(number_of(at)) if isinstance(at, Tensor) else at for at in view.key)


def _extent(tensor: Tensor) -> int:
    """Return how much memory a tensor reaches over, in elements."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * stride for size, stride in pairs)


def _order(whole: Tensor, part: Tensor) -> tuple[int, ...] | None:
    """Return which axis of a tensor each axis of another is, if it has the same in an order."""
    left = list(zip(whole.shape, whole.stride(), range(whole.dim()), strict=True))
    found = []
    for size, stride in zip(part.shape, part.stride(), strict=True):
        match = next((each for each in left if each[0] == size and each[1] == stride), None)
        if match is None:
            return None
        left.remove(match)
        found.append(match[2])
    return None if left else tuple(found)


def basic_key(whole: Tensor, part: Tensor) -> Key | None:
    """Return the key of numbers and slices that takes a part; None if there is none.

    Examples
    --------
    >>> h = torch.zeros(2, 3)
    >>> basic_key(h, h.narrow(1, 0, 2)), basic_key(h, h[0][1:][0]), basic_key(h, h.T)
    ((slice(None, None, None), slice(None, 2, None)), (0, 1), None)
    """
    first = _first(whole, part)
    if first is None:
        return None
    key: list[Any] = []
    constant: list[int] = []  # where in the key axes stand at which the part has one place
    used = 0  # how many axes of the part have been told of
    for axis, (size, stride) in enumerate(zip(whole.shape, whole.stride(), strict=True)):
        at = next((i for i in range(used, part.dim()) if part.shape[i] > 1), None)
        step, rest = (0, 0) if at is None or size == 1 else divmod(part.stride(at), stride)
        if at is None or step < 1 or rest or first[axis] + (part.shape[at] - 1) * step >= size:
            constant.append(len(key))
            key.append(first[axis])
            continue
        _fill(key, constant, at - used, whole.shape)
        key.append(_slice(first[axis], first[axis] + (part.shape[at] - 1) * step, step, size))
        used = at + 1
    _fill(key, constant, part.dim() - used, whole.shape)
    while len(key) > 1 and key[-1] == slice(None):
        key.pop()
    return tuple(key) if _is_at(whole[tuple(key)], part) else None


def _first(whole: Tensor, part: Tensor) -> dict[int, int] | None:
    """Return where along each axis of a tensor the first element of a part of it stands."""
    left = int(part.storage_offset() - whole.storage_offset())
    first = {axis: 0 for axis, size in enumerate(whole.shape) if size == 1}
    longer = [axis for axis in range(whole.dim()) if axis not in first]
    for axis in sorted(longer, key=whole.stride, reverse=True):
        if whole.stride(axis) < 1:
            return None
        first[axis], left = divmod(left, whole.stride(axis))
        if not 0 <= first[axis] < whole.shape[axis]:
            return None
    return None if left else first


def _is_at(found: Tensor, part: Tensor) -> bool:
    """Whether two tensors are the same numbers in the same places."""
    strides = [
        [step for size, step in zip(each.shape, each.stride(), strict=True) if size > 1]
        for each in (found, part)
    ]
    return (
        found.shape == part.shape
        and found.data_ptr() == part.data_ptr()
        and strides[0] == strides[1]
    )


def _fill(key: list[Any], constant: list[int], ones: int, whole: Sequence[int]) -> None:
    """Account for axes of the part that are one long: kept from the whole, or new.

    First those that are one long in the whole too, as in `h[:, 0]` of a batch of one.
    """
    axes = {at: sum(part is not None for part in key[:at]) for at in constant}
    while ones and constant:
        at = max(constant, key=lambda at: (whole[axes[at]] == 1, at))
        constant.remove(at)
        axis = axes[at]
        key[at] = _slice(key[at], key[at], 1, whole[axis])
        ones -= 1
    key.extend([None] * ones)
    constant.clear()


def _slice(first: int, last: int, step: int, size: int) -> slice:
    """Return a slice as one writes it, without the ends that go without saying."""
    stop = None if last + step >= size else last + 1
    return slice(first or None, stop, None if step == 1 else step)
