"""What a call in a user's code runs, found by its names alone: nothing is run for it.

In `self.shared_step(batch)` it is a method, in `self.vae(batch)` a module, in `helper(batch)` a
function of the same file, and in `super().forward(batch)` the method of a base.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

from torch import nn

from ...quick_classes import NamedTuple
from .code_reading import plain_function, tree_of

SUPER = "super()"


class Callee(NamedTuple):
    """What a call runs: a function, what it is a method of, and what takes the arguments."""

    function: Callable[..., Any]
    owner: Any
    parameters: tuple[inspect.Parameter, ...]


class Bases(NamedTuple):
    """What `super()` stands for in a method."""

    owner: Any
    classes: tuple[type, ...]


def owner_of(function: Any) -> Any:
    """Return what a function is a method of, or the module that is called."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if isinstance(function, nn.Module) else getattr(function, "__self__", None)


def callee_of(function: Callable[..., Any], owner: Any, names: tuple[str, ...]) -> Callee | None:
    """Find what code calls by some names; None where it has no source, and for PyTorch's own."""
    found, of = _named(function, owner, names[0]), None
    for name in names[1:]:
        found, of = _part_of(found, name)
    if isinstance(found, nn.Module):
        found, of = type(found).forward, found
    if not inspect.isfunction(found) or (found.__module__ or "").partition(".")[0] == "torch":
        return None
    plain = plain_function(found)
    if tree_of(plain) is None:
        return None
    try:
        parameters = tuple(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):  # a decorator gave it another that is none
        return None
    return Callee(plain, of, parameters[of is not None :])


def _named(function: Callable[..., Any], owner: Any, name: str) -> Any:
    """Return what a name stands for in the code of a function, as far as that is certain."""
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    cells = dict(zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False))
    if name == SUPER:
        classes = type(owner).__mro__
        own = _content(cells.get("__class__"))
        return Bases(owner, classes[classes.index(own) + 1 :]) if own in classes else None
    if name in code.co_varnames:  # no other variable of the function is known
        is_owner = owner is not None and name == code.co_varnames[0]
        return owner if is_owner else None
    return _content(cells[name]) if name in cells else function.__globals__.get(name)


def _content(cell: Any) -> Any:
    try:
        return None if cell is None else cell.cell_contents
    except ValueError:  # it is not set yet
        return None


def _part_of(holder: Any, name: str) -> tuple[Any, Any]:
    """Return what an object has by a name, and the object where it is a method of it."""
    if isinstance(holder, ModuleType):
        return vars(holder).get(name), None
    if isinstance(holder, Bases):
        owner, classes = holder
    elif isinstance(holder, type):
        owner, classes = None, holder.__mro__
    else:
        own = getattr(holder, "__dict__", {})
        modules = own.get("_modules", {})  # a module that was not initialized has none
        if name in own or name in modules:
            return own.get(name, modules.get(name)), None
        owner, classes = holder, type(holder).__mro__
    value = next((vars(each)[name] for each in classes if name in vars(each)), None)
    if isinstance(value, staticmethod):
        return value.__func__, None
    if isinstance(value, classmethod):
        return value.__func__, type(owner) if owner is not None else holder
    return value, owner
