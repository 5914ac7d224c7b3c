"""A loss that is a method of the model: whose it is, and the model that runs in its place.

What runs is often a copy of what was named, as in float64. A method that kept the first would
compute the loss of one model with the parameters of another.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import isfunction, ismethod
from types import MethodType
from typing import Any

from torch import nn

from ...symbolic.printable import listed
from .code_reading import name_of
from .loss_parameters import CannotBind, parameters_of


def method_of(model: nn.Module, loss: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss that is a method, bound to the model that runs or to the part that has it.

    Any other loss is returned as it is, and so is a method of an object that is no part of a
    model of this kind, such as a criterion.

    Raises
    ------
    CannotBind
        If several parts have the method, or if it is one of a class that the model has not.
    """
    owner = getattr(loss, "__self__", None)
    if ismethod(loss) and isinstance(owner, nn.Module):
        function = loss.__func__
        having = [(path, part) for path, part in model.named_modules() if type(part) is type(owner)]
        if not having or any(part is owner for _, part in having):
            return loss
    elif isfunction(loss):
        function = loss
        having = [(path, part) for path, part in model.named_modules() if _has(part, function)]
    else:
        return loss
    if not having:
        _require_no_object(model, loss)
        return loss
    (path, part), *others = having
    if others and path:
        paths = [path, *(path for path, _ in others)]
        raise CannotBind(
            f"it is a method of {listed(paths)}; say of which, as by --objective-expr "
            f'"model.{path}.{function.__name__}(...)"'
        )
    return MethodType(function, part)


def _has(part: nn.Module, function: Callable[..., Any]) -> bool:
    """Whether a function is one of a module's methods: its class has it as no static method."""
    return any(
        value is function for kind in type(part).__mro__[:-1] for value in vars(kind).values()
    )


def _require_no_object(model: nn.Module, loss: Callable[..., Any]) -> None:
    """Raise `CannotBind` for a method of a class of which the model has no part."""
    owner, dot, name = name_of(loss).rpartition(".")
    first = next((p.name for p in parameters_of(loss)), "")
    if dot and first == "self":
        raise CannotBind(
            f"it is a method of {owner}, and the model is a {type(model).__name__} without a part "
            f"of that class; give a model that has it, or FILE.py:OBJECT.{name} with an object in "
            "the file"
        )
