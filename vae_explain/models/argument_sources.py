"""Where the arguments of a loss come from, told by looking at what it is really given.

An argument is found again among what the model returned by being the same object, so what is
told holds however `argument_matching` came to give it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ..engine.loss_call import Argument
from .argument_matching import parameters_of
from .model_outputs import Names, described, named_parts, tree_returned

RESERVED = ("x", "model")  # what a part may be called, but means something else in a call
LONGEST_SETTING = 32  # of a word or a list that is written out


class Sources:
    """What a model returned, by object: each part with the code that says which it is.

    Parameters
    ----------
    model
        Its code gives the parts of a tuple their names.
    """

    def __init__(self, returned: Any, x: Tensor, model: nn.Module) -> None:
        self._found: list[tuple[Any, str]] = [(x, "x")]
        self._add(returned, "model(x)", tree_returned(model) or "")

    def _add(self, part: Any, place: str, names: Names) -> None:
        name = names if isinstance(names, str) else ""
        place = place if name in ("", *RESERVED) else name
        self._found.append((part, place))
        inside = isinstance(names, tuple) and isinstance(part, tuple | list)
        fits = inside and len(names) == len(part)
        parts = named_parts(part)
        for key, each in parts.items():
            self._add(each, place + part_of(part, key), key if key.isidentifier() else "")
        if not parts and isinstance(part, tuple | list):
            for i, each in enumerate(part):
                self._add(each, f"{place}[{i}]", names[i] if fits else "")

    def of(self, argument: Any) -> str | None:
        """Return the code of an argument; None for one that neither model nor x gave."""
        return next((place for part, place in self._found if part is argument), None)


def part_of(whole: Any, name: str) -> str:
    """Return the code that takes a named part of a dict, or of an object."""
    return f"[{name!r}]" if isinstance(whole, Mapping) else f".{name}"


def place_of(part: Any, whole: Any) -> str | None:
    """Return the code that takes a part of a tuple, `[1][0]`; None where it is not in there."""
    if whole is part:
        return ""
    if isinstance(whole, tuple | list):
        for i, each in enumerate(whole):
            place = place_of(part, each)
            if place is not None:
                return f"[{i}]{place}"
    return None


def arguments_of(
    loss: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    more: Mapping[str, Any],
    sources: Sources,
) -> tuple[Argument, ...]:
    """Tell what a loss is given, in its own order, and which defaults it keeps.

    Parameters
    ----------
    arguments, keywords
        What it is called with.
    more
        What of this the user gave by name.
    """
    parameters = parameters_of(loss)
    order = [p.name for p in parameters]

    def told(name: str, value: Any) -> Argument:
        return Argument(name, setting(value) if name in more else _source(value, sources))

    found = [told("", value) for value in arguments]
    own = [name for name in order if name in keywords]
    others = [name for name in keywords if name not in own]
    found += [told(name, keywords[name]) for name in [*own, *others]]
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    filled = [p.name for p in parameters if p.kind in places][: len(arguments)]
    return (
        *found,
        *(
            Argument(p.name, setting(p.default), default=True)
            for p in parameters
            if p.default is not p.empty and p.name not in keywords and p.name not in filled
        ),
    )


def _source(value: Any, sources: Sources) -> str:
    return sources.of(value) or setting(value)


def setting(value: Any) -> str:
    """Write a number or a word as code, and of anything else what it is: `Tensor[3]`."""
    if isinstance(value, Tensor) and value.numel() == 1:
        # Of a float32 the digits that it has, which are those that were typed.
        return f"torch.tensor({_plain(value.tolist(), value.element_size() > 4)})"
    if isinstance(value, bool | int | float | str | None):
        written = repr(value)
        if len(written) <= LONGEST_SETTING:
            return written
    if callable(value) and not isinstance(value, type):
        return name_of(value)
    return described(value)


def _plain(value: Any, exact: bool) -> str:
    """Write the number of a tensor, in the lists that it is in, as somebody writes it: 0.1."""
    if isinstance(value, list):
        return f"[{_plain(value[0], exact)}]"
    whole = exact or not isinstance(value, float) or value.is_integer()
    return repr(value) if whole else f"{value:.7g}"


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function is called; an object that can be called has its class's name."""
    while isinstance(function, functools.partial):
        function = function.func
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__qualname__", "")
    if not name:
        return type(function).__name__
    if owner is not None and inspect.ismethod(function) and not isinstance(owner, type):
        return f"{type(owner).__name__}.{function.__name__}"
    return str(name).rpartition("<locals>.")[2].strip("<>")
