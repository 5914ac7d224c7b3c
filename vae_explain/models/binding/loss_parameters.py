"""The parameters of a loss: which it has, what of them a user gave, and how each is passed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from torch import nn

from ...errors import UserError
from ..request import Written
from .model_outputs import Outputs
from .parameter_uses import names_of_rest, parts_taken
from .part_names import INPUT, family

Parameter = inspect.Parameter


class CannotBind(UserError):
    """It cannot be decided how the loss is computed from what the model returned."""

    option = "--loss"

    def __init__(self, seen: str, mend: str = "", option: str | None = None) -> None:
        separator = "" if seen.endswith(", or") else ";"
        how = f"{separator} say how in a file of yours:\n{mend}" if mend else ""
        super().__init__(f"{seen}{how}", option)


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters of a loss, or raise `CannotBind` where it does not say which."""
    if isinstance(function, nn.Module):
        function = function.forward  # a module's own signature takes anything
    try:
        if inspect.ismethod(function):
            # Cached by its function: a method would keep its model alive.
            first, *others = _parameters(function.__func__)
            return [first, *others] if first.kind is first.VAR_POSITIONAL else others
        if inspect.isfunction(function):
            return list(_parameters(function))
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise CannotBind("the loss does not say which arguments it takes") from None


@lru_cache(maxsize=128)  # a loss that is evaluated many times asks each time
def _parameters(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())


def is_input(name: str, outputs: Outputs) -> bool:
    """Whether a parameter has a name of inputs, or that of the model's own input."""
    return name.lower() in INPUT or (name == outputs.input_name and family(name) is None)


def with_names_of_rest(
    loss: Callable[..., Any], parameters: Sequence[Parameter], outputs: Outputs
) -> list[Parameter]:
    """Put the names that a loss gives its `*args` and `**kwargs` in their place, where it does.

    A loss that takes all that the model returns, the input among it, is given it in its order.
    """
    named: list[Parameter] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names, parts = names_of_rest(loss, p.name), [part.value for part in outputs.top]
            names_x = [is_input(name, outputs) for name in names]
            returned = [value is outputs.x for value in parts]
            if names and not (names_x == returned and any(returned)):
                named = [each.replace(kind=p.POSITIONAL_ONLY) for each in named]
                named += [Parameter(name, p.POSITIONAL_ONLY) for name in names]
                continue
        elif p.kind is p.VAR_KEYWORD:
            keys = {part.name for part in outputs.top if part.name}
            taken = sorted(str(key) for key in parts_taken(loss, p.name))
            known = {each.name for each in parameters}
            named += [
                Parameter(key, p.KEYWORD_ONLY)
                for key in taken
                if key not in known and (key in keys or family(key) or is_input(key, outputs))
            ]
        named.append(p)
    return named


def with_parts(
    parameters: Sequence[Parameter], more: dict[str, Any], outputs: Outputs
) -> dict[str, Any]:
    """Replace the code of a part by the part; a word that is no part's code stays a word."""
    names = {p.name: p for p in parameters}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    places = {f"model(x){part.code}": part.value for part in outputs.parts}
    places |= {part.place: part.value for part in reversed(outputs.parts)} | {"x": outputs.x}
    for name, value in more.items():
        if name not in names and not takes_any:
            raise CannotBind(f"the loss takes ({', '.join(names)}), and no {name}")
        # What is a word by default is meant as one: `reduction=mean`.
        is_word = name in names and isinstance(names[name].default, str)
        if isinstance(value, Written) and not is_word:
            more[name] = places.get(value.replace(" ", ""), str(value))
    return more


def in_their_kind(
    parameters: Sequence[Parameter], arguments: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Pass by position what has no name for the caller, as in `def loss(recon, x, /)`.

    A default that stands before something given has to be given, too.
    """
    nameless = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    last = max((i for i, p in enumerate(nameless) if p.name in arguments), default=-1)
    placed = [arguments.get(p.name, p.default) for p in nameless[: last + 1]]
    names = {p.name for p in nameless}
    return placed, {name: value for name, value in arguments.items() if name not in names}
