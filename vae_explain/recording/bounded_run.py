"""A bound on how many numbers a run computes, each of which a page keeps in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import UserError
from .call_info import results_of

PRODUCTS = {"linear", "matmul", "mm", "bmm", "outer", "ger", "cdist", "einsum"}
PRODUCTS |= {"__matmul__", "__rmatmul__"}
# What may make a number of each two that it is given.
OF_PAIRS = {"eye", "diag", "diag_embed", "diagflat", "vander", "cov", "corrcoef", "pdist", "kron"}
OF_PAIRS |= {"combinations", "cartesian_prod", "tensordot", "block_diag"}
PICKS = {"__getitem__", "embedding"}
BY_FRACTIONS = {"interpolate", "arange"}
LARGEST = 2**63  # number that PyTorch takes for a size
VIEWS = {"view", "reshape", "unflatten", "expand", "__getitem__"}


class TooMany(UserError):
    """A run that computes more numbers than there is room for."""

    option = "--model"

    def __init__(self, most: int) -> None:
        words = f"its run has more than {most:,} numbers, the most that memory is taken for"
        super().__init__(f"{words}; give fewer rows, or a smaller model")


def bounded(most: int | None, inputs: Iterable[Tensor]) -> AbstractContextManager[object]:
    """Return a mode in which a run may have so many numbers, its inputs among them.

    It counts what the calls make, and is to be entered before the mode that records them.
    `TooMany` ends the run as soon as there are more, so that the rest of them takes no memory, and
    before a call that would make more, where its sizes follow from those of what it is given.
    """
    return nullcontext() if most is None else _Bounded(most, sum(each.numel() for each in inputs))


class _Bounded(TorchFunctionMode):
    def __init__(self, most: int, before: int) -> None:
        super().__init__()
        self._most, self._left = most, most - before

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():  # a look at sizes is no call of the run
            if _guess(func, args, kwargs) > self._left:
                self._require_room(_made_of_none(func, args, kwargs))
        result = func(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            self._left -= _numbers_in(result, (args, kwargs))
        self._require_room(0)
        return result

    def _require_room(self, wanted: int) -> None:
        if self._left < wanted:
            raise TooMany(self._most)


def _numbers_in(result: Any, given: Any) -> int:
    """Return how many numbers a call made; a view of what it is given makes none."""
    made = (result,) if isinstance(result, Tensor) else results_of(result)
    tensors: list[Tensor] = []
    if any(each._is_view() for each in made):
        _sort(given, tensors, [])
    whose = {id(tensor) for each in tensors for tensor in (each, each._base)}
    return sum(each.numel() for each in made if not each._is_view() or id(each._base) not in whose)


def _guess(func: Any, args: Any, kwargs: Mapping[str, Any]) -> int:
    """Return roughly the most numbers that a call makes, by the sizes of what it is given.

    To know it exactly takes a second, once, so it is asked for only where this is too much.
    """
    tensors: list[Tensor] = []
    numbers: list[float] = []
    name = getattr(func, "__name__", "")
    _sort((args, kwargs), tensors, numbers)
    if name in PICKS and len(tensors) > 1:  # as many rows as there are indices
        table, *indices = tensors if name == "__getitem__" else reversed(tensors)
        return max(each.numel() for each in indices) * math.prod(table.shape[1:])
    if name in VIEWS:
        return 0
    total = sum(each.numel() for each in tensors)
    if name in PRODUCTS:  # of rows or columns with such; of a vector each number is one
        return math.prod(
            each.numel() // (min(each.shape[-2:]) or 1 if each.dim() > 1 else 1)
            for each in tensors
            if each.numel()
        )
    shapes = (reversed(each.shape) for each in tensors)
    together = max(total, math.prod(map(max, zip_longest(*shapes, fillvalue=1))))
    if name not in BY_FRACTIONS:
        numbers = [number for number in numbers if isinstance(number, int)]
    sizes = [min(max(abs(each), 1 / abs(each)), LARGEST) for each in numbers if each]
    if name in OF_PAIRS:
        return int((together * math.prod(sizes)) ** max(2, len(tensors)))
    # A number may count for each axis of an image, as that of a scale or of a padding does.
    axes = max((each.dim() - 2 for each in tensors), default=1)
    return int(together * math.prod(sizes) ** max(axes, 1))


def _sort(given: Any, tensors: list[Tensor], numbers: list[float]) -> None:
    if isinstance(given, Tensor):
        if not given.is_nested:  # its rows have several lengths
            tensors.append(given)
    elif isinstance(given, int | float) and math.isfinite(given):
        numbers.append(given)
    elif isinstance(given, tuple | list):
        for each in given:
            _sort(each, tensors, numbers)
    elif isinstance(given, dict):
        _sort(list(given.values()), tensors, numbers)


def _made_of_none(func: Any, args: Any, kwargs: Any) -> int:
    """Return how many numbers a call makes, without making one; 0 where only they say it."""
    tensors: list[Tensor] = []
    _sort((args, kwargs), tensors, [])
    args, kwargs = _without_numbers(args), _without_numbers(kwargs)
    kwargs.pop("generator", None)
    if "device" in kwargs or not tensors:
        kwargs["device"] = "meta"
    try:
        with torch.no_grad():
            return _numbers_in(func(*args, **kwargs), (args, kwargs))
    except Exception:  # such a call is made, and counted then
        return 0


def _without_numbers(given: Any) -> Any:
    """Return what a call is given, each tensor as one of its shape that has no numbers."""
    if isinstance(given, Tensor):
        return torch.empty_like(given, device="meta")
    if type(given) in (tuple, list):
        return type(given)(map(_without_numbers, given))
    if type(given) is dict:
        return {name: _without_numbers(each) for name, each in given.items()}
    return given
