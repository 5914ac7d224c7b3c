"""A model made ready to run, with single numbers of it set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..engine.roles import standard_draws
from ..engine.run import Run
from ..errors import UserError
from .changes import OPTION, Change, EntryPlace, located, require_once, words
from .prepared_model import PreparedModel

NOISE = "eps"  # what the first draw from the standard normal is called too, as --eps has it


def with_entries(ready: PreparedModel, changes: Sequence[Change]) -> PreparedModel:
    """Return the same with some entries set: in its parameters and buffers, in x, in the noise.

    The model is changed in place; x that a user gave, and the generator, are not.

    Raises
    ------
    UserError
        If there is no such entry; the message says which there are.
    """
    if not changes:
        return ready
    tensors = {"x": ready.x} | _settable(ready.model)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        places = [located(change, shapes) for change in changes]
        drawn: dict[str, int] = {}
    except UserError:
        # Then one of them may be noise, whose names and shapes only a run knows.
        run = ready.run(gradients=False)
        drawn = _noise(run)
        shapes |= {name: run.trace.values[value_id].shape for name, value_id in drawn.items()}
        places = [located(change, shapes, run.trace.by_name) for change in changes]
    require_once(places)
    x, typed = ready.x.clone(), ready.typed
    if x.dtype == torch.float32 and any(place.name == "x" for place in places):
        typed = ready.written()
    with torch.no_grad():
        for place, (_, value) in zip(places, changes, strict=True):
            if place.name == "x":
                _require_fit(x, place, value)
                x[place.index] = value
                if typed is not None:
                    typed[place.index] = value
            elif place.name in tensors:
                tensors[place.name][place.index] = value
    noise = ready.noise
    entries = [
        (drawn[place.name], place.index, change.value)
        for place, change in zip(places, changes, strict=True)
        if place.name in drawn and place.name not in tensors
    ]
    if entries:
        noise = _with_noise(ready.noise, run, entries)
    named = tuple(
        Change(place.target, change.value) for place, change in zip(places, changes, strict=True)
    )
    return replace(
        ready, x=x, typed=typed, noise=noise, label=ready.label + words(named), changes=named
    )


def _settable(model: nn.Module) -> dict[str, Tensor]:
    """Return a model's parameters and buffers of real numbers, a shared one by each name."""
    tensors: dict[str, Tensor] = dict(model.named_parameters(remove_duplicate=False))
    tensors |= dict(model.named_buffers(remove_duplicate=False))
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not is_lazy(tensor) and tensor.is_floating_point()
    }


def _noise(run: Run) -> dict[str, int]:
    """Return the draws from the standard normal, by name; the first of them also as `eps`."""
    draws = standard_draws(run)
    named = {run.trace.values[value_id].name: value_id for value_id in draws}
    numbers = {name: value_id for name, value_id in named.items() if name}
    return numbers if NOISE in run.trace.by_name or not draws else {NOISE: draws[0], **numbers}


def _with_noise(
    before: Sequence[Tensor], run: Run, entries: Sequence[tuple[int, tuple[int, ...], float]]
) -> tuple[Tensor, ...]:
    """Return the noise of a run up to the last draw that is changed, in float64."""
    draws = standard_draws(run)
    noise = [
        torch.tensor(run.trace.values[value_id].array, dtype=torch.float64) for value_id in draws
    ]
    for at, exact in enumerate(before[: len(noise)]):
        noise[at] = exact.to(torch.float64).reshape(noise[at].shape).clone()
    for value_id, index, value in entries:
        noise[draws.index(value_id)][index] = value
    last = max(draws.index(value_id) for value_id, *_ in entries)
    return tuple(noise[: max(last + 1, len(before))])


def _require_fit(x: Tensor, place: EntryPlace, value: float) -> None:
    if not x.is_floating_point() and value != int(value):
        mend = "the model takes whole numbers as x; give one"
        raise UserError(mend, OPTION, Change(place.target, value).text)
