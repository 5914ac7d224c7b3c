"""Where the arguments of a loss come from, by what it is really given.

An argument is recognised among what the model returned as the same object, so its source is right
however `argument_matching` chose it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from ...engine.loss_call import Argument
from .code_reading import BY_PLACE, name_of
from .loss_parameters import parameters_of
from .model_outputs import Outputs, described

PLAIN = bool | int | float | str | None
LONGEST_SETTING = 32  # of a word or a list that is written out


def arguments_of(
    loss: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    more: Mapping[str, Any],
    outputs: Outputs,
) -> tuple[Argument, ...]:
    """Return what a loss is given, in its own order, and which defaults it keeps.

    Parameters
    ----------
    arguments, keywords
        What it is called with.
    more
        What of this the user gave by name.
    """
    parameters = parameters_of(loss)
    order = [p.name for p in parameters]

    def argument(name: str, value: Any) -> Argument:
        # A number that was typed is not a part, though it may be the same object as one.
        is_typed = name in more and isinstance(value, PLAIN)
        place = None if is_typed else outputs.place_of(value)
        return Argument(name, place or setting(value))

    sources = [argument("", value) for value in arguments]
    own = [name for name in order if name in keywords]
    others = [name for name in keywords if name not in own]
    sources += [argument(name, keywords[name]) for name in [*own, *others]]
    filled = [p.name for p in parameters if p.kind in BY_PLACE][: len(arguments)]
    return (
        *sources,
        *(
            Argument(p.name, setting(p.default), default=True)
            for p in parameters
            if p.default is not p.empty and p.name not in keywords and p.name not in filled
        ),
    )


def setting(value: Any) -> str:
    """Write a number or a word as code, and of anything else what it is: `Tensor[3]`."""
    if isinstance(value, Tensor) and value.numel() == 1:
        # Of a float32 the digits that it has, which are those that were typed.
        return f"torch.tensor({_plain(value.tolist(), value.element_size() > 4)})"
    if isinstance(value, PLAIN):
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
