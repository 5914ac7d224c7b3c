"""The deprecated arguments of PyTorch's losses, recorded as the `reduction` that they mean.

Older VAEs write `F.mse_loss(recon, x, size_average=False)`. PyTorch turns it into a sum as the
first thing it does, and so do we: all that reads a record knows `reduction` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isfunction
from types import FunctionType
from typing import Any

from torch.nn import functional
from torch.nn._reduction import legacy_get_string

DEPRECATED = ("size_average", "reduce")


def _parameters_of(function: FunctionType) -> tuple[str, ...]:
    """Return the names of a function's parameters in a hundredth of the time of `signature`."""
    code = function.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


# The parameters of each function that has them, by its name.
LOSSES = {
    name: parameters
    for name, function in vars(functional).items()
    if isfunction(function) and set(DEPRECATED) <= set(parameters := _parameters_of(function))
}


def with_reduction(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the arguments of a loss with `reduction` in the place of what is deprecated.

    Examples
    --------
    >>> with_reduction("mse_loss", ("recon", "x", False), {})
    (('recon', 'x'), {'reduction': 'sum'})
    """
    names = LOSSES[name]
    by_name = {**dict(zip(names, args, strict=False)), **kwargs}
    if by_name.keys().isdisjoint(DEPRECATED):
        return args, kwargs
    size_average, reduce = (by_name.pop(each, None) for each in DEPRECATED)
    if (size_average, reduce) != (None, None):
        by_name["reduction"] = legacy_get_string(size_average, reduce, emit_warning=False)
    first = min(names.index(each) for each in DEPRECATED)
    placed = tuple(by_name.pop(each) for each in names[:first] if each in names[: len(args)])
    return placed, by_name
