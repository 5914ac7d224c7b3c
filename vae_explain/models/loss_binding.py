"""Finding the loss of a user's model: in the model, in a training step, or given apart.

Wherever it was found, what was called and with what is told with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..engine.loss_call import Argument, LossCall
from .argument_matching import OBJECTIVE, CannotBind, fitted, parameters_of
from .argument_sources import Sources, arguments_of, name_of, part_of, place_of
from .model_outputs import described, flat, named_parts, names_returned

LOSS_METHODS = ("loss_function", "loss", "compute_loss", "loss_fn", "elbo_loss")
X = Argument("", "x")


class Computed(NamedTuple):
    """The loss of one run, and the call that gave it; None for the built-in VAE's."""

    loss: Tensor
    call: LossCall | None


def objective_of(
    model: nn.Module,
    x: Tensor,
    loss: Callable[..., Any] | None = None,
    objective: Callable[[nn.Module, Tensor], Any] | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
) -> Callable[[], Computed]:
    """Return a function of nothing that runs model and loss and returns the loss with its call.

    Parameters
    ----------
    loss
        Takes what the model returned, and x, under its own names.
    objective
        Takes model and x and returns the loss; when given it alone decides.
    loss_arguments
        What else the loss is given, by name, such as the weight of the KL.
    """
    more = dict(loss_arguments or {})

    def run() -> Computed:
        if objective is not None:
            given = Argument("", "model"), X
            return _computed(objective(model, x), "the objective", name_of(objective), given)
        if loss is None and _has_training_step(model):
            return _training_step(model, x)
        _require_one_input(model)
        returned = Returned(model(x), model, x)
        if loss is not None:
            return _called(loss, returned, more, "the loss", name_of(loss))
        return _loss_within(returned, more)

    return run


class Returned(NamedTuple):
    """What a model returned, with the model and its input."""

    all: Any
    model: nn.Module
    x: Tensor


def _computed(
    result: Any, whose: str, function: str, arguments: tuple[Argument, ...], taken: str = ""
) -> Computed:
    """Take the one number in what a loss returned: itself, its `loss`, or its first part.

    `taken` says in code what was taken already of what `function` returned.
    """
    parts = named_parts(result)
    found = result
    for name in ("loss", "total_loss"):
        if name in parts:
            found = parts[name]
            taken += part_of(result, name)
            break
    if isinstance(found, tuple | list) and found:
        found = found[0]
        taken += "[0]"
    if isinstance(found, Tensor) and found.numel() == 1:
        return Computed(found, LossCall(function, arguments, taken))
    raise CannotBind(f"{whose} returned {described(result)}, which holds no loss of one number")


def _require_one_input(model: nn.Module) -> None:
    """Raise `CannotBind` for a model that cannot be called with x alone."""
    parameters = parameters_of(model.forward)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wanted = [p.name for p in parameters if p.default is p.empty and p.kind in positional]
    wanted += [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    if len(wanted) > 1:
        more = ", ".join(wanted[1:])
        raise CannotBind(
            f"the model takes ({', '.join(wanted)}), and only its input is given",
            OBJECTIVE.replace("model(x)", f"model(x, {more})  # with {more} of yours"),
        )


def _loss_within(returned: Returned, more: Mapping[str, Any]) -> Computed:
    result, model, _ = returned
    if isinstance(result, Tensor) and result.numel() == 1:
        return Computed(result, LossCall("model", (X,)))
    parts = named_parts(result)
    for name in ("loss", "total_loss"):
        if isinstance(parts.get(name), Tensor):
            return _computed(parts[name], "the model", "model", (X,), part_of(result, name))
    for name in LOSS_METHODS:
        method = getattr(model, name, None)
        if callable(method) and not isinstance(method, nn.Module):
            function = f"{type(model).__name__}.{name}"
            return _called(method, returned, more, f"the model's {name}", function)
    single = [part for part in flat(result) if isinstance(part, Tensor) and part.dim() == 0]
    if len(single) == 1 and single[0].requires_grad:
        # As in `return loss, recon`.
        taken = place_of(single[0], result) or ""
        return Computed(single[0], LossCall("model", (X,), taken))
    raise CannotBind(f"the model returned {described(result)} and no loss was given")


# --- a training step ---


def _has_training_step(model: nn.Module) -> bool:
    return callable(getattr(model, "training_step", None))


def _training_step(model: Any, x: Tensor) -> Computed:
    """Call a Lightning-shaped step with the batch alone, then with labels that are not used."""
    try:
        result, batch = model.training_step(x, 0), "x"
    except (ValueError, TypeError):
        # It takes its batch apart, as in `x, _ = batch`.
        result, batch = model.training_step((x, torch.zeros(x.shape[0])), 0), "(x, zeros)"
    function = f"{type(model).__name__}.training_step"
    return _computed(result, "training_step", function, (Argument("", batch), Argument("", "0")))


def _called(
    loss: Callable[..., Any],
    returned: Returned,
    more: Mapping[str, Any],
    whose: str,
    function: str,
) -> Computed:
    result, model, x = returned
    names = names_returned(model)
    arguments, keywords = fitted(loss, result, x, more, names)
    told = arguments_of(loss, arguments, keywords, more, Sources(result, x, model))
    try:
        found = loss(*arguments, **keywords)
    except KeyError as error:
        # `kwargs["M_N"]`, which nobody gave.
        wanted = error.args[0] if error.args else None
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters_of(loss))
        if not takes_any or not isinstance(wanted, str) or wanted in keywords:
            raise
        raise CannotBind(
            f"the loss wants {wanted} by name; give it as --loss-arg {wanted}=VALUE "
            f"(from Python: loss_arguments={{{wanted!r}: …}}), or",
        ) from None
    return _computed(found, whose, function, told)
