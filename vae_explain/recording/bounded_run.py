"""A bound on how many numbers a run computes, each of which a page keeps in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import UserError
from .call_info import results_of


class TooMany(UserError):
    """A run that computes more numbers than there is room for."""

    option = "--model"

    def __init__(self, most: int) -> None:
        words = f"its run has more than {most:,} numbers, the most that memory is taken for"
        super().__init__(f"{words}; give fewer rows, or a smaller model")


def bounded(most: int | None, inputs: Iterable[Tensor]) -> AbstractContextManager[object]:
    """Return a mode in which a run may have so many numbers, its inputs among them.

    It counts what the calls make, and is to be entered before the mode that records them.
    `TooMany` ends the run as soon as there are more, so that the rest of them takes no memory.
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
        result = func(*args, **(kwargs or {}))
        made = (result,) if isinstance(result, Tensor) else results_of(result)
        for each in made:
            if not each._is_view():
                self._left -= each.numel()
        if self._left < 0:
            raise TooMany(self._most)
        return result
