"""Finding the loss of a user's model: what it returned, fitted to what the loss takes.

Arguments are matched by name first, then by shape and order. Where that does not decide,
nothing is guessed: the message says what was seen and shows the objective to write.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

INPUT_NAMES = (
    "x", "input", "inputs", "target", "targets", "data", "original", "image", "images",
    "batch", "x_true", "y_true", "true", "x_in", "orig",
)  # fmt: skip
RECON_NAMES = (
    "recon", "recon_x", "x_hat", "xhat", "x_recon", "recons", "reconstruction", "recon_batch",
    "reconstructed", "x_reconstructed", "output", "decoded", "x_rec", "pred", "y_pred",
    "prediction", "logits", "recon_logits", "out", "x_tilde",
)  # fmt: skip
MEAN_NAMES = ("mu", "mean", "z_mean", "mu_z", "z_mu", "means", "loc", "m")
LOGVAR_NAMES = (
    "logvar", "log_var", "z_logvar", "z_log_var", "logvar_z", "log_variance", "lv", "log_sigma2",
)  # fmt: skip
LATENT_NAMES = ("z", "sample", "latent", "latents", "z_sample")
FAMILIES = (RECON_NAMES, MEAN_NAMES, LOGVAR_NAMES, LATENT_NAMES)
LOSS_METHODS = ("loss_function", "loss", "compute_loss", "loss_fn", "elbo_loss")

OBJECTIVE = """\
def objective(model, x):
    recon_x, mu, logvar = model(x)
    return my_loss(recon_x, x, mu, logvar)"""


class CannotBind(ValueError):
    """It cannot be decided how the loss is computed from what the model returned."""

    def __init__(self, seen: str, mend: str = OBJECTIVE) -> None:
        separator = "" if seen.endswith(", or") else ";"
        super().__init__(f"{seen}{separator} say how in a file of yours:\n{mend}")
        self.seen = seen


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
        if loss is not None:
            return scalar(_called(loss, returned, x, more), "the loss")
        return _loss_within(model, returned, x, more)

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
    parameters = _parameters(model.forward)
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    wanted = [p.name for p in parameters if p.default is p.empty and p.kind in positional]
    wanted += [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    if len(wanted) > 1:
        more = ", ".join(wanted[1:])
        raise CannotBind(
            f"the model takes ({', '.join(wanted)}), and only its input is given",
            OBJECTIVE.replace("model(x)", f"model(x, {more})  # with {more} of yours"),
        )


def _loss_within(model: nn.Module, returned: Any, x: Tensor, more: Mapping[str, Any]) -> Tensor:
    if isinstance(returned, Tensor) and returned.numel() == 1:
        return returned
    parts = named_parts(returned)
    for name in ("loss", "total_loss"):
        if isinstance(parts.get(name), Tensor):
            return scalar(parts[name], "the model")
    for name in LOSS_METHODS:
        method = getattr(model, name, None)
        if callable(method) and not isinstance(method, nn.Module):
            return scalar(_called(method, returned, x, more), f"the model's {name}")
    single = [part for part in _unnamed(returned) if isinstance(part, Tensor) and part.dim() == 0]
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


# --- arguments ---


def _called(loss: Callable[..., Any], returned: Any, x: Tensor, more: Mapping[str, Any]) -> Any:
    arguments, keywords = fitted(loss, returned, x, more)
    try:
        return loss(*arguments, **keywords)
    except KeyError as error:
        # `kwargs["M_N"]`, which nobody gave.
        wanted = error.args[0] if error.args else None
        takes_any = any(p.kind is p.VAR_KEYWORD for p in _parameters(loss))
        if not takes_any or not isinstance(wanted, str) or wanted in keywords:
            raise
        raise CannotBind(
            f"the loss wants {wanted} by name; give it as --loss-arg {wanted}=VALUE "
            f"(from Python: loss_arguments={{{wanted!r}: …}}), or",
        ) from None


def fitted(
    loss: Callable[..., Any], returned: Any, x: Tensor, more: Mapping[str, Any] | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """Fit what a model returned, and x, to the parameters of a loss.

    Parameters
    ----------
    more
        What the loss is given besides, by name.

    Raises
    ------
    CannotBind
        If a parameter without a default is left over, or a part has two places to go.
    """
    parameters = _parameters(loss)
    more = dict(more or {})
    _require_taken(parameters, more)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        whole = list(returned) if isinstance(returned, tuple | list) else [returned]
        return whole, more
    parameters = [p for p in parameters if p.name not in more]
    required = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    named = named_parts(returned)
    tensors = _unnamed(returned) if not named else []
    if not named and len(required) == 2 and len(tensors) > 2:
        families = [_family(p.name) for p in required]
        if None in families:
            whole = [returned if p.name not in INPUT_NAMES else x for p in required]
            return [], {**{p.name: v for p, v in zip(required, whole, strict=True)}, **more}
    given: dict[str, Any] = {}
    for parameter in required:
        if parameter.name in named:
            given[parameter.name] = named[parameter.name]
    for parameter in required:
        if parameter.name not in given and parameter.name in INPUT_NAMES:
            given[parameter.name] = x
    _by_family(required, named, given)
    _by_shape_and_order(required, tensors, x, given)
    left = [p.name for p in required if p.name not in given and p.default is p.empty]
    if left:
        names = ", ".join(p.name for p in required)
        raise CannotBind(
            f"the model returned {described(returned)} and the loss takes ({names}); "
            f"nothing was found for {', '.join(left)} (a number or a word can be given by "
            f"--loss-arg {left[0]}=VALUE)"
        )
    return [], {**given, **more}


def _require_taken(parameters: list[inspect.Parameter], more: Mapping[str, Any]) -> None:
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    names = [p.name for p in parameters]
    for name in more:
        if name not in names:
            raise CannotBind(f"the loss takes ({', '.join(names)}), and no {name}")


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise CannotBind("the loss does not say which arguments it takes") from None


def _family(name: str) -> tuple[str, ...] | None:
    return next((family for family in FAMILIES if name.lower() in family), None)


def _by_family(
    required: list[inspect.Parameter], named: Mapping[str, Any], given: dict[str, Any]
) -> None:
    used = set(given)
    for parameter in required:
        family = _family(parameter.name)
        if parameter.name in given or family is None:
            continue
        matching = [name for name in named if name.lower() in family and name not in used]
        if len(matching) == 1:
            given[parameter.name] = named[matching[0]]
            used.add(matching[0])


def _by_shape_and_order(
    required: list[inspect.Parameter],
    tensors: list[Any],
    x: Tensor,
    given: dict[str, Any],
) -> None:
    rest = [tensor for tensor in tensors if tensor is not x]
    for parameter in required:
        wants_recon = _family(parameter.name) is RECON_NAMES
        if wants_recon and parameter.name not in given:
            fitting = [t for t in rest if isinstance(t, Tensor) and t.shape == x.shape]
            if fitting:
                given[parameter.name] = fitting[0]
                rest = [tensor for tensor in rest if tensor is not fitting[0]]
    for parameter in required:
        if parameter.name in given or not rest:
            continue
        if parameter.default is not parameter.empty and _family(parameter.name) is None:
            continue  # an option of the loss, such as beta
        given[parameter.name] = rest.pop(0)


# --- what was returned ---


def named_parts(returned: Any) -> dict[str, Any]:
    """Return the parts of a dict, dataclass, named tuple or output object by name."""
    if isinstance(returned, Mapping):
        return {str(name): part for name, part in returned.items()}
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        return {f.name: getattr(returned, f.name) for f in dataclasses.fields(returned)}
    if isinstance(returned, tuple) and hasattr(returned, "_fields"):
        return dict(zip(returned._fields, returned, strict=True))
    if returned is None or isinstance(returned, Tensor | tuple | list | int | float | str):
        return {}
    found = getattr(returned, "__dict__", {})
    return {name: part for name, part in found.items() if isinstance(part, Tensor)}


def _unnamed(returned: Any) -> list[Any]:
    """Return the parts of a tuple or list, those within its parts one by one."""
    if isinstance(returned, tuple | list):
        return [part for entry in returned for part in _unnamed(entry)]
    return [returned]


def described(returned: Any) -> str:
    """Say what an object is made of: `(Tensor[1, 4], Tensor[1, 2])`."""
    if isinstance(returned, Tensor):
        return f"Tensor{list(returned.shape)}"
    parts = named_parts(returned)
    if parts:
        inside = ", ".join(f"{name}: {described(part)}" for name, part in parts.items())
        return f"{{{inside}}}"
    if isinstance(returned, tuple | list):
        return f"({', '.join(described(part) for part in returned)})"
    return type(returned).__name__
