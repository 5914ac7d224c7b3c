"""Finding the loss of a user's model: in the model, in a training step, or given apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .fitting import (
    OBJECTIVE,
    CannotBind,
    described,
    fitted,
    flat,
    named_parts,
    names_returned,
    parameters_of,
)

LOSS_METHODS = ("loss_function", "loss", "compute_loss", "loss_fn", "elbo_loss")


def objective_of(
    model: nn.Module,
    x: Tensor,
    loss: Callable[..., Any] | None = None,
    objective: Callable[[nn.Module, Tensor], Any] | None = None,
    loss_arguments: Mapping[str, Any] | None = None,
) -> Callable[[], Tensor]:
    """Return a function of nothing that runs model and loss and returns the loss.

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

    def run() -> Tensor:
        if objective is not None:
            return scalar(objective(model, x), "the objective")
        if loss is None and _has_training_step(model):
            return scalar(_training_step(model, x), "training_step")
        _require_one_input(model)
        returned = model(x)
        names = names_returned(model)
        if loss is not None:
            return scalar(_called(loss, returned, x, more, names), "the loss")
        return _loss_within(model, returned, x, more, names)

    return run


def scalar(result: Any, whose: str) -> Tensor:
    """Return the one number in what a loss returned: itself, its `loss`, or its first part."""
    parts = named_parts(result)
    found = parts.get("loss", parts.get("total_loss", result))
    if isinstance(found, tuple | list) and found:
        found = found[0]
    if isinstance(found, Tensor) and found.numel() == 1:
        return found
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


def _loss_within(
    model: nn.Module, returned: Any, x: Tensor, more: Mapping[str, Any], names: Sequence[str]
) -> Tensor:
    if isinstance(returned, Tensor) and returned.numel() == 1:
        return returned
    parts = named_parts(returned)
    for name in ("loss", "total_loss"):
        if isinstance(parts.get(name), Tensor):
            return scalar(parts[name], "the model")
    for name in LOSS_METHODS:
        method = getattr(model, name, None)
        if callable(method) and not isinstance(method, nn.Module):
            return scalar(_called(method, returned, x, more, names), f"the model's {name}")
    single = [part for part in flat(returned) if isinstance(part, Tensor) and part.dim() == 0]
    if len(single) == 1 and single[0].requires_grad:
        return single[0]  # as in `return loss, recon`
    raise CannotBind(f"the model returned {described(returned)} and no loss was given")


# --- a training step ---


def _has_training_step(model: nn.Module) -> bool:
    return callable(getattr(model, "training_step", None))


def _training_step(model: Any, x: Tensor) -> Any:
    """Call a Lightning-shaped step with the batch alone, then with labels that are not used."""
    try:
        return model.training_step(x, 0)
    except (ValueError, TypeError):
        # It takes its batch apart, as in `x, _ = batch`.
        return model.training_step((x, torch.zeros(x.shape[0])), 0)


def _called(
    loss: Callable[..., Any],
    returned: Any,
    x: Tensor,
    more: Mapping[str, Any],
    names: Sequence[str],
) -> Any:
    arguments, keywords = fitted(loss, returned, x, more, names)
    try:
        return loss(*arguments, **keywords)
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
