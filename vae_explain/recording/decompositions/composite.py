"""A call that is made by others: what the tables of this package hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from inspect import signature
from typing import Any

from torch import Tensor

from ...quick_classes import NamedTuple

REDUCTIONS = ("none", "mean", "sum")
_signature = cache(signature)


def always(**_: Any) -> bool:
    return True


class Composite(NamedTuple):
    """A call that is made by others.

    Attributes
    ----------
    make
        Makes it, with the arguments that the call takes.
    fits
        Takes the arguments of `make`, all of them by name, and says whether `make` does what
        the call does. If it does not, or the call is wrong, PyTorch makes the call itself.
    keyword
        Without this keyword the call is one operation, which has a rule in `ops`.
    reduce
        For a loss whose `make` returns one number for each element: takes these, the
        `reduction`, and the other arguments by name, and returns the loss.
    """

    make: Callable[..., Any]
    fits: Callable[..., bool] = always
    keyword: str = ""
    reduce: Callable[..., Tensor] | None = None

    def of_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[[], Any] | None:
        """Return what makes one call by others; None where PyTorch is to make it itself."""
        if kwargs.get("out") is not None:
            return None
        if self.keyword and kwargs.get(self.keyword) is None:
            return None  # which is most calls of this name, and quickly seen
        settings = dict(kwargs)
        if self.reduce is not None:
            reduction = settings.pop("reduction", "mean")
            if reduction not in REDUCTIONS:
                return None
        try:
            bound = _signature(self.make).bind(*args, **settings)
            bound.apply_defaults()
            if not (_begins_with_tensors(args[0]) and self.fits(**bound.arguments)):
                return None
        except (TypeError, IndexError):  # another form of the call, or axes that are not there
            return None
        make = partial(self.make, *args, **settings)
        if self.reduce is None:
            return make
        reduce = partial(self.reduce, reduction=reduction, **bound.arguments)
        return lambda: reduce(make())


def _begins_with_tensors(first: Any) -> bool:
    if isinstance(first, list | tuple):
        return bool(first) and all(isinstance(each, Tensor) for each in first)
    return isinstance(first, Tensor)
