"""A loss that runs the model itself: `loss(model, x)`, where others take what it returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...engine.loss_call import Argument
from ...quick_classes import NamedTuple
from ..request import Written
from .argument_sources import PLAIN, setting
from .code_reading import calls_of_with
from .loss_parameters import CannotBind, Parameter, is_input, parameters_of
from .model_outputs import Outputs
from .parameter_uses import parts_taken
from .part_names import INPUT, MODELS


class WithModel(NamedTuple):
    """What a loss that runs the model itself is called with, by name, and as its header has it."""

    values: dict[str, Any]
    arguments: tuple[Argument, ...]


def with_model(
    loss: Callable[..., Any], model: nn.Module, x: Tensor, more: Mapping[str, Any]
) -> WithModel | None:
    """Return what a loss that runs the model is called with; None where that is not certain.

    Beside what it is given by name it wants the model and an input, and its code calls the first
    with the second: `model(x)` or `model.encode(x)`. An input that it takes apart may be a batch
    with labels, and a word may be the code of a part.
    """
    parameters = parameters_of(loss)
    wanted = [p.name for p in parameters if p.default is p.empty and p.name not in more]
    models = [name for name in wanted if name in MODELS]
    inputs = [name for name in wanted if name.lower() in INPUT]
    is_plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    is_known = more.keys() <= {p.name for p in parameters}
    is_known = is_known and not any(isinstance(value, Written) for value in more.values())
    if not (is_plain and is_known) or (len(wanted), len(models), len(inputs)) != (2, 1, 1):
        return None
    called = calls_of_with(loss, models[0], inputs[0])
    if parts_taken(loss, inputs[0]) or not any(_runs(model, name) for name in called):
        return None
    sources = {models[0]: "model", inputs[0]: "x"}
    values = {**more, models[0]: model, inputs[0]: x}
    arguments = [
        Argument(
            p.name,
            sources.get(p.name) or setting(values.get(p.name, p.default)),
            default=p.name not in values,
        )
        for p in parameters
    ]
    return WithModel(values, tuple(arguments))


def _runs(model: nn.Module, method: str) -> bool:
    """Whether a method, "" for the call of the object, is one that only a model can have."""
    if method in ("", "forward"):
        return True
    return hasattr(model, method) and not hasattr(nn.Module, method) and not hasattr(Tensor, method)


def require_no_model(
    parameters: Sequence[Parameter], outputs: Outputs, more: Mapping[str, Any]
) -> None:
    """Raise `CannotBind` for a loss that runs the model, with how it is called where that is known.

    What the model returned is of no use to it.
    """
    wanted = [p.name for p in parameters if p.default is p.empty]
    if not any(name in MODELS and name not in more for name in wanted):
        return
    is_known = all(name in MODELS or name in more or is_input(name, outputs) for name in wanted)
    if not is_known or not all(isinstance(value, PLAIN) for value in more.values()):
        raise CannotBind("the loss takes the model itself; give it with --objective")
    given = {n: "model" if n in MODELS else "x" for n in wanted if n not in more}
    if more:
        passed = [f"{name}={code}" for name, code in given.items()]
        passed += [f"{name}={value!r}" for name, value in more.items()]
        how = f'give --objective-expr "loss({", ".join(passed)})" in place of --loss-arg'
    else:
        how = f'add --objective-expr "loss({", ".join(given.values())})"'
    raise CannotBind(f"the loss takes the model itself; {how}")
