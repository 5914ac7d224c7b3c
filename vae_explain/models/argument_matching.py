"""Fitting what a model returned to what its loss takes.

Arguments are matched by name first, then by shape and order. Where that does not decide,
nothing is guessed: the message says what was seen and shows the objective to write.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from .model_outputs import described, flat, named_parts

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
TARGET_NAMES = ("target", "targets", "y", "y_true")  # of the inputs, what may be a part
WHOLE_NAMES = ("out", "output", "outputs", "result", "results")  # of what may be all parts
FAMILIES = (RECON_NAMES, MEAN_NAMES, LOGVAR_NAMES, LATENT_NAMES)

OBJECTIVE = """\
def objective(model, x):
    recon_x, mu, logvar = model(x)
    return my_loss(recon_x, x, mu, logvar)"""


class CannotBind(UserError):
    """It cannot be decided how the loss is computed from what the model returned."""

    option = "--loss"

    def __init__(self, seen: str, mend: str = OBJECTIVE) -> None:
        separator = "" if seen.endswith(", or") else ";"
        super().__init__(f"{seen}{separator} say how in a file of yours:\n{mend}")
        self.seen = seen


def fitted(
    loss: Callable[..., Any],
    returned: Any,
    x: Tensor,
    more: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> tuple[list[Any], dict[str, Any]]:
    """Fit what a model returned, and x, to the parameters of a loss.

    Parameters
    ----------
    more
        What the loss is given besides, by name.
    names
        What the model's code calls the parts of a tuple or list that it returned; "" for one
        without a name.

    Raises
    ------
    CannotBind
        If a parameter without a default is left over, or a part has two places to go.
    """
    parameters = parameters_of(loss)
    more = dict(more or {})
    _require_taken(parameters, more)
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters):
        whole = list(returned) if isinstance(returned, tuple | list) else [returned]
        return whole, more
    varying = inspect.Parameter.VAR_KEYWORD
    required = [p for p in parameters if p.name not in more and p.kind is not varying]
    meant = _as_meant(required)
    found = _matched(meant, returned, x, names)
    given = {
        parameter.name: found[meaning.name]
        for parameter, meaning in zip(required, meant, strict=True)
        if meaning.name in found
    }
    left = [p.name for p in required if p.name not in given and p.default is p.empty]
    if left:
        taken = ", ".join(p.name for p in required)
        raise CannotBind(
            f"the model returned {described(returned)} and the loss takes ({taken}); "
            f"nothing was found for {', '.join(left)} (a number or a word can be given by "
            f"--loss-arg {left[0]}=VALUE)"
        )
    return _in_their_kind(parameters, {**given, **more})


def _in_their_kind(
    parameters: Sequence[inspect.Parameter], given: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Put what has no name for the caller in its place, as of `def loss(recon, x, /)`.

    A default that stands before something given has to be given, too.
    """
    nameless = [p for p in parameters if p.kind is p.POSITIONAL_ONLY]
    last = max((i for i, p in enumerate(nameless) if p.name in given), default=-1)
    placed = [given.get(p.name, p.default) for p in nameless[: last + 1]]
    names = {p.name for p in nameless}
    return placed, {name: value for name, value in given.items() if name not in names}


def _as_meant(required: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    """Rename a parameter whose name means something else beside the others than alone.

    PyTorch's own losses call `input` what a model made, and `target` what it should be.
    """
    names = {p.name for p in required}
    if names.isdisjoint(TARGET_NAMES) or not names.isdisjoint(RECON_NAMES):
        return list(required)
    return [p.replace(name="recon") if p.name == "input" else p for p in required]


def _matched(
    required: list[inspect.Parameter], returned: Any, x: Tensor, names: Sequence[str]
) -> dict[str, Any]:
    """Return what is found for each parameter, by its name."""
    named = named_parts(returned)
    wanted = [p.name for p in required if p.default is p.empty and p.name not in INPUT_NAMES]
    tensors = [] if named else _parts(returned, wanted, names)
    # Two things in order are a reconstruction and what belongs to it, which are told apart.
    several = len(named) > 1 or len(tensors) > 2
    taker = _taker_of_whole(wanted, {*named, *names}) if several else None
    if taker is not None:
        return {taker: returned, **{p.name: x for p in required if p.name in INPUT_NAMES}}
    given: dict[str, Any] = {}
    for parameter in required:
        if parameter.name in named:
            given[parameter.name] = named[parameter.name]
    if len(names) == len(tensors):
        tensors = _by_names_of_targets(required, names, tensors, x, given)
        names = [name for name in names if name not in given]
    for parameter in required:
        if parameter.name not in given and parameter.name in INPUT_NAMES:
            given[parameter.name] = x
    _by_family(required, named, given)
    if len(names) == len(tensors):
        tensors = _by_told_names(required, names, tensors, given)
    _by_shape_and_order(required, tensors, x, given)
    return given


def _taker_of_whole(wanted: Sequence[str], names: Collection[str]) -> str | None:
    """Return the parameter that takes all that the model returned, as it is: `loss(out, x)`.

    Parameters
    ----------
    wanted
        The parameters that have no default and are not for the input.
    names
        What the parts are called that the model returned, those that have a name.
    """
    if len(wanted) != 1 or wanted[0] in names:
        return None
    is_whole = _family(wanted[0]) is None or wanted[0].lower() in WHOLE_NAMES
    return wanted[0] if is_whole else None


def _parts(returned: Any, wanted: Sequence[str], names: Sequence[str]) -> list[Any]:
    """Return the parts of what a model returned, those within its parts one by one or not.

    Raises
    ------
    CannotBind
        If there are parts within parts, and neither is as many as a loss wants.
    """
    every = flat(returned)
    if not isinstance(returned, tuple | list) or len(every) == len(returned):
        return every
    told = len(names) == len(every) and set(wanted) <= set(names)
    if told or len(wanted) in (1, len(every)):
        return every
    if len(wanted) == len(returned):
        return list(returned)
    raise CannotBind(
        f"the model returned {described(returned)}, parts within parts, and the loss takes "
        f"{len(wanted)} of them"
    )


def _require_taken(parameters: list[inspect.Parameter], more: Mapping[str, Any]) -> None:
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    names = [p.name for p in parameters]
    for name in more:
        if name not in names:
            raise CannotBind(f"the loss takes ({', '.join(names)}), and no {name}")


def parameters_of(function: Callable[..., Any]) -> list[inspect.Parameter]:
    if isinstance(function, nn.Module):
        function = function.forward  # a module's own signature takes anything
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


def _by_names_of_targets(
    required: list[inspect.Parameter],
    names: Sequence[str],
    tensors: list[Any],
    x: Tensor,
    given: dict[str, Any],
) -> list[Any]:
    """Bind a target that the model returned under the name that the loss has for it."""
    for parameter in required:
        if parameter.name in TARGET_NAMES and list(names).count(parameter.name) == 1:
            part = tensors[list(names).index(parameter.name)]
            if part is not x:
                given.setdefault(parameter.name, part)
    return [part for part in tensors if not any(part is other for other in given.values())]


def _by_told_names(
    required: list[inspect.Parameter],
    names: Sequence[str],
    tensors: list[Any],
    given: dict[str, Any],
) -> list[Any]:
    """Bind the parts of a tuple by what the model calls them; return those that are left.

    A part that is called as inputs are may be anything: `x = self.decoder(z); return x, mu`.
    """
    told = {
        name: tensor
        for name, tensor in zip(names, tensors, strict=True)
        if name and name not in INPUT_NAMES and names.count(name) == 1
    }
    for parameter in required:
        if parameter.name not in given and parameter.name in told:
            given[parameter.name] = told.pop(parameter.name)
    _by_family(required, told, given)
    return [part for part in tensors if not any(part is other for other in given.values())]


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
