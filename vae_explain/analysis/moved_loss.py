"""A model's loss, again and again, with other numbers in one of its parameters.

What a gradient takes as given is held still, as it was in the first run: the draws, and whatever
the model detaches or computes without gradients, as a straight-through estimator does.

Many losses are made in one pass by `torch.func.vmap`, where that gives what the plain run gives.
A model that goes by its numbers, as a branch or `.item()` does, is run once for each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from ..models.kept_state import KeptState
from ..models.prepared_model import PreparedModel
from ..recording.call_info import PendingCall
from ..recording.call_mode import CallMode
from ..recording.random_draws import OTHER_DRAWS, GivenDraws
from ..recording.tensor_arrays import tensors_in
from ..trace import Array

MOST_AT_ONCE = 64  # losses in one pass
MOST_NUMBERS = 4_000_000  # of all values of these together
# What vmap raises where it cannot, most of it plain `RuntimeError`s; what a model raises within
# it is a `ValueError` already.
CANNOT = (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError, IndexError)


class NotInFloat64(UserError):
    """A model that computes in another precision than it is given."""


class MovedLoss:
    """Evaluates a model's loss, each time from the same state.

    Parameters
    ----------
    numbers
        How many a run has in all of its values, which says how many runs are made in one pass.
    errors
        Entered around each run of the model; turns what its own code raises into `CannotRun`.
    """

    def __init__(
        self,
        ready: PreparedModel,
        drawn: Sequence[Tensor],
        rewritten: Set[str],
        numbers: int,
        errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._ready, self._drawn, self._errors = ready, drawn, errors
        self.width = max(1, min(MOST_AT_ONCE, MOST_NUMBERS // max(numbers, 1)))
        self._kept: list[Tensor] = []
        self._buffers = [(buffer, buffer.clone()) for buffer in ready.model.buffers()]
        self._state = KeptState(ready.holders)
        self._rewritten = [
            (parameter, parameter.detach().clone())
            for name, parameter in ready.model.named_parameters()
            if name in rewritten
        ]
        self._first = True
        self._at_once: dict[int, bool] = {}  # by parameter, whether vmap can move it

    def loss(self) -> float:
        """Return it as the parameters are."""
        self._put_back()
        return float(self._evaluated())

    def losses(
        self, parameter: Tensor, places: Array, numbers: Array, middle: float, noise: float
    ) -> list[float]:
        """Return the loss with one number of a parameter moved, for each of many.

        Parameters
        ----------
        places, numbers
            Where it is, counted through the whole tensor, and what it is moved to.
        middle, noise
            The loss where nothing is moved, and how far off any may be: a pass for many has to
            give the same, there and for the first that is moved.
        """
        flat = parameter.data.view(-1)
        if id(parameter) not in self._at_once:
            at, to = int(places[0]), float(numbers[0])
            pair = np.array([at, at]), np.array([float(flat[at]), to])
            wanted = middle, self._one(flat, at, to)
            values = self._in_one_pass(parameter, *pair) if self.width > 1 else None
            same = values is not None and np.abs(np.subtract(values, wanted)).max() <= noise
            self._at_once[id(parameter)] = bool(same)
        values = None
        if self._at_once[id(parameter)]:
            values = self._in_one_pass(parameter, places, numbers)
        if values is not None:
            return values
        moves = zip(places.tolist(), numbers.tolist(), strict=True)
        return [self._one(flat, *move) for move in moves]

    def _one(self, flat: Tensor, at: int, number: float) -> float:
        before = float(flat[at])
        flat[at] = number
        try:
            return self.loss()
        finally:
            flat[at] = before

    def _in_one_pass(self, parameter: Tensor, places: Array, numbers: Array) -> list[float] | None:
        """Return `losses` by vmap, in as few passes as there is room for; None if it cannot."""
        values: list[float] = []
        many = torch.func.vmap(partial(self._with, parameter), randomness="same")
        for start in range(0, len(places), self.width):
            which = torch.from_numpy(places[start : start + self.width])
            moved = parameter.detach().repeat(len(which), *(1,) * parameter.ndim)
            to = torch.from_numpy(numbers[start : start + self.width])
            moved.view(len(which), -1)[torch.arange(len(which)), which] = to
            self._put_back()
            try:
                with warnings.catch_warnings():  # of ops that it goes through one by one
                    warnings.simplefilter("ignore")
                    values += many(moved.requires_grad_()).reshape(-1).tolist()
            except CANNOT:
                return None
            finally:
                self._put_back()  # nothing of vmap's may stay in what the model keeps
        return values

    def _with(self, parameter: Tensor, other: Tensor) -> Tensor:
        """Return the loss with another tensor in the place of a parameter, of many at once."""
        model = self._ready.model
        of_many = other.reshape(-1)[0].detach() * 0.0  # what is written to a buffer is of many, too
        buffers = [(b, b + of_many) for b in model.buffers() if b.is_floating_point()]
        with _in_place_of(model, [(parameter, other), *buffers]):
            return self._evaluated()

    def _put_back(self) -> None:
        with torch.no_grad():
            for buffer, before in self._buffers:
                buffer.copy_(before)
        for parameter, before in self._rewritten:
            parameter.data = before.clone()
        self._state.put_back()
        torch.set_rng_state(self._ready.generator)

    def _evaluated(self) -> Tensor:
        ready = self._ready
        written = [parameter for parameter, _ in self._rewritten]
        still = _Still(GivenDraws(redrawn=self._drawn), self._kept, self._first, written)
        with self._errors(), torch.enable_grad(), ready.drawing(), still:
            loss = ready.objective(ready.model, ready.x).loss
        self._first = False
        if loss.dtype != torch.float64:
            raise NotInFloat64(f"its loss is {loss.dtype}".replace("torch.", ""))
        return loss.detach()  # out of reach of what is held still


@contextmanager
def _in_place_of(model: nn.Module, pairs: Sequence[tuple[Tensor, Tensor]]) -> Iterator[None]:
    """Put other tensors where a model has its parameters and buffers."""
    others = {id(own): other for own, other in pairs}
    homes: list[tuple[dict[str, Any], str]] = [
        (held, name)
        for module in model.modules()
        for held in (module._parameters, module._buffers)
        for name, own in held.items()
        if id(own) in others
    ]
    # A recurrent layer reads a list of its own.
    layers = [vars(each) for each in model.modules() if isinstance(each, nn.RNNBase)]
    places = [*homes, *((layer, "_flat_weights") for layer in layers)]
    before = [held[name] for held, name in places]
    for held, name in homes:
        held[name] = others[id(held[name])]
    for layer in layers:
        layer["_flat_weights"] = [others.get(id(own), own) for own in layer["_flat_weights"]]
    try:
        yield
    finally:
        for (held, name), own in zip(places, before, strict=True):
            held[name] = own


def _padding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, *_: Any, **__: Any
) -> Tensor | None:
    """Return where an embedding gives its row for padding, which learns nothing."""
    if padding_idx is None:
        return None
    return (input == padding_idx % weight.shape[0]).unsqueeze(-1)


def _is_double(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    tensors = tensors_in((args, kwargs))
    return any(tensor.dtype == torch.float64 for tensor in tensors)


class _Still(CallMode):
    """Gives the draws, and what is behind a detach, as they were in the first run."""

    def __init__(
        self, draws: GivenDraws, kept: list[Tensor], first: bool, written: Sequence[Tensor]
    ) -> None:
        super().__init__()
        # Their data is not held still: what is written there would be lost.
        self._written = {id(parameter) for parameter in written}
        self._draws, self._kept, self._first = draws, kept, first
        self._used = 0
        # Told by no_grad itself: within a function with a backward pass of its own
        # gradients are off as well, but what it returns has one.
        self._without_gradients = False

    def handle(self, call: PendingCall) -> Any:
        plan, func, args, kwargs = call
        name = plan.name
        # Where such a function switches off what is off already, nothing changes.
        if name == "_set_grad_enabled" and (torch.is_grad_enabled() or self._without_gradients):
            self._without_gradients = not args[0]
        if name == "float":
            return args[0].double()
        if plan.drops:
            return self._draws.dropout(func, args, kwargs)[0]
        result = call.make()
        if name in OTHER_DRAWS:
            return self._held(result, plan.writes)
        if name == "grad" and isinstance(result, tuple):
            # What `torch.autograd.grad` gives without a graph is taken as given behind it.
            constants = (isinstance(g, Tensor) and not g.requires_grad for g in result)
            return tuple(
                self._held(g) if constant else g
                for g, constant in zip(result, constants, strict=True)
            )
        if not isinstance(result, Tensor) or not result.is_floating_point():
            return result
        if result.dtype == torch.float32 and result.requires_grad and _is_double(args, kwargs):
            raise NotInFloat64(f"{name} gives float32 there")
        if plan.draws and self._draws.replace(result, name, args, kwargs):
            return result
        # Within such a function nothing is held still: the gradient of all of it is its own.
        within = not torch.is_grad_enabled() and not self._without_gradients
        if (name in ("detach", "data") and not within and id(args[0]) not in self._written) or (
            self._without_gradients and not plan.writes and name != "grad"
        ):
            return self._held(result)
        if name == "embedding":
            padding = _padding(*args, **kwargs)
            if padding is not None:
                return torch.where(padding, self._held(result), result)
        return result

    def _held(self, result: Tensor, writes: bool = False) -> Tensor:
        if self._first:
            self._kept.append(result.detach().clone())
            return result
        kept = self._kept[self._used] if self._used < len(self._kept) else result
        self._used += 1
        if kept.shape != result.shape:
            return result  # on another way, as that of a loop which ended a turn earlier
        if writes:
            result.data.copy_(kept)
            return result
        return kept.clone()
