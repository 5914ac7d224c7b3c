"""Views: which part of its base a tensor is, as an operation that makes it.

A view is recognised by its memory and not by the calls that made it: `h[0][1:]`, `h.narrow(…)`
and a row of `for row in h` are all a key between brackets. So after a write to the base the view
can be made from it again, and after a write to the view the base can be made from both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from ..quick_classes import NamedTuple
from ..trace import Slot
from .tensor_arrays import is_same_memory

Key = tuple[Any, ...]


class View(NamedTuple):
    """How a view is made from its base.

    One of the three is there: a key between brackets, the axes in another order, or another
    shape.
    """

    key: Key | None = None
    axes: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None


# Makes a tensor of indices a value of the run, and returns its id.
AddIndex = Callable[[Tensor], int]
# An op's name and its arguments.
OpCall = tuple[str, tuple[Any, ...]]


def base_of(tensor: Tensor) -> Tensor | None:
    """Return what a tensor is a view of; None for one that has its own memory."""
    return None if is_functorch_wrapped_tensor(tensor) else tensor._base


def view_of(base: Tensor, part: Tensor) -> View | None:
    """Say which part of a tensor another is; None for one that reads it as another dtype."""
    if part.dtype != base.dtype or part.layout != torch.strided or not part.numel():
        return None
    if not base.dim():
        return View(shape=tuple(part.shape)) if part.numel() == 1 else None
    key = basic_key(base.detach(), part)
    if key is not None:
        return View(key=key)
    offset = part.storage_offset() - base.storage_offset()
    if offset < 0 or _extent(part) + offset > _extent(base):
        return None
    positions = torch.empty_strided(base.shape, base.stride(), dtype=torch.long).fill_(-1)
    positions.copy_(torch.arange(base.numel()).view(base.shape))
    taken = positions.as_strided(part.shape, part.stride(), offset).numpy()
    axes = _axis_order(base, part)
    if axes is not None and np.array_equal(positions.permute(axes).numpy(), taken):
        return View(axes=axes)
    if np.array_equal(taken.ravel(), np.arange(base.numel())):
        return View(shape=taken.shape)
    places = np.unravel_index(taken, base.shape)
    return View(key=tuple(torch.from_numpy(np.array(axis)) for axis in places))


def read_view(view: View, base: int, add_index: AddIndex) -> OpCall:
    """Return the op call that makes a view from its base, which is given by its id."""
    if view.axes is not None:
        return _permuted(base, view.axes)
    if view.shape is not None:
        return "reshape", (Slot(base), view.shape)
    return "getitem", (Slot(base), _slotted_key(view, add_index))


def write_view(
    view: View, base: int, shape: Sequence[int], part: int, add_index: AddIndex
) -> OpCall:
    """Return the op call that makes the base again, from what it was and the part as it is now.

    Parameters
    ----------
    base
        The id of the base as it was.
    shape
        Its shape.
    part
        The id of the part as it is now.
    """
    if view.axes is not None:
        return _permuted(part, tuple(int(axis) for axis in np.argsort(view.axes)))
    if view.shape is not None:
        return "reshape", (Slot(part), tuple(shape))
    return "setitem", (Slot(base), _slotted_key(view, add_index), Slot(part))


def slots_in(args: Any) -> tuple[int, ...]:
    """Return the ids of the values in an argument list, in order."""
    if isinstance(args, tuple):
        return tuple(value_id for each in args for value_id in slots_in(each))
    return (args.id,) if isinstance(args, Slot) else ()


def _permuted(value_id: int, axes: tuple[int, ...]) -> OpCall:
    return ("T", (Slot(value_id),)) if axes == (1, 0) else ("permute", (Slot(value_id), axes))


def _slotted_key(view: View, add_index: AddIndex) -> Key:
    assert view.key is not None, "the only thing that is left"
    return tuple(Slot(add_index(at)) if isinstance(at, Tensor) else at for at in view.key)


def _extent(tensor: Tensor) -> int:
    """Return how much memory a tensor reaches over, in elements."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * stride for size, stride in pairs)


def _axis_order(base: Tensor, part: Tensor) -> tuple[int, ...] | None:
    """Return which axis of the base each axis of a permutation of it is; None if it is none."""
    left = list(zip(base.shape, base.stride(), range(base.dim()), strict=True))
    order = []
    for size, stride in zip(part.shape, part.stride(), strict=True):
        match = next((each for each in left if each[:2] == (size, stride)), None)
        if match is None:
            return None
        left.remove(match)
        order.append(match[2])
    return None if left else tuple(order)


def basic_key(base: Tensor, part: Tensor) -> Key | None:
    """Return the key of numbers and slices that takes a part; None if there is none.

    Examples
    --------
    >>> h = torch.zeros(2, 3)
    >>> basic_key(h, h.narrow(1, 0, 2)), basic_key(h, h[0][1:][0]), basic_key(h, h.T)
    ((slice(None, None, None), slice(None, 2, None)), (0, 1), None)
    """
    first = _first_index(base, part)
    if first is None:
        return None
    key: list[Any] = []
    constant: list[int] = []  # the positions in the key of axes that the part has one index of
    used = 0  # how many axes of the part the key accounts for
    for axis, (size, stride) in enumerate(zip(base.shape, base.stride(), strict=True)):
        at = next((i for i in range(used, part.dim()) if part.shape[i] > 1), None)
        step, rest = (0, 0) if at is None or size == 1 else divmod(part.stride(at), stride)
        if at is None or step < 1 or rest or first[axis] + (part.shape[at] - 1) * step >= size:
            constant.append(len(key))
            key.append(first[axis])
            continue
        _add_unit_axes(key, constant, at - used, base.shape)
        key.append(_slice(first[axis], first[axis] + (part.shape[at] - 1) * step, step, size))
        used = at + 1
    _add_unit_axes(key, constant, part.dim() - used, base.shape)
    while len(key) > 1 and key[-1] == slice(None):
        key.pop()
    return tuple(key) if is_same_memory(base[tuple(key)], part) else None


def _first_index(base: Tensor, part: Tensor) -> dict[int, int] | None:
    """Return the index in the base, by axis, of the first element of a part of it."""
    left = int(part.storage_offset() - base.storage_offset())
    first = {axis: 0 for axis, size in enumerate(base.shape) if size == 1}
    longer = [axis for axis in range(base.dim()) if axis not in first]
    for axis in sorted(longer, key=base.stride, reverse=True):
        if base.stride(axis) < 1:
            return None
        first[axis], left = divmod(left, base.stride(axis))
        if not 0 <= first[axis] < base.shape[axis]:
            return None
    return None if left else first


def _add_unit_axes(key: list[Any], constant: list[int], ones: int, base: Sequence[int]) -> None:
    """Account for axes of length 1 of the part: kept from the base, or new.

    First those of length 1 in the base too, as in `h[:, 0]` of a batch of one.
    """
    axes = {at: sum(part is not None for part in key[:at]) for at in constant}
    while ones and constant:
        at = max(constant, key=lambda at: (base[axes[at]] == 1, at))
        constant.remove(at)
        key[at] = _slice(key[at], key[at], 1, base[axes[at]])
        ones -= 1
    key.extend([None] * ones)
    constant.clear()


def _slice(first: int, last: int, step: int, size: int) -> slice:
    """Return a slice as one writes it, without the bounds that are the default."""
    stop = None if last + step >= size else last + 1
    return slice(first or None, stop, None if step == 1 else step)
