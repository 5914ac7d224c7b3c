"""A run without a record: to know what a model draws, or whether it repeats its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ..trace import Array
from .autograd import gradients_on
from .call_info import PendingCall, results_of
from .call_mode import CallMode
from .checkpoints import unfolded
from .random_draws import GivenDraws
from .restoring import restored
from .tensor_arrays import array_of


def draws_of_run(
    objective: Callable[[], object],
    model: nn.Module,
    noise: Sequence[Tensor] = (),
    bound: AbstractContextManager[object] | None = None,
) -> list[Tensor]:
    """Run an objective once and return all that it draws, in order, dropout masks among them.

    These are the draws that `record` records, made from the same state of the generator. The
    generator and the buffers of the model are put back.

    Parameters
    ----------
    noise
        Taken, in order, in place of what the model draws from the standard normal.
    bound
        The mode that bounds the run, as `bounded` makes one.

    Raises
    ------
    NoiseMismatch
        If a given draw does not have the shape of the draw that it replaces.
    """
    listener = _Listener(noise)
    with restored(model.modules()), gradients_on(), bound or nullcontext(), listener:
        objective()
    return listener.draws


def loss_and_gradients(
    objective: Callable[[], Tensor], model: nn.Module, redrawn: Sequence[Tensor]
) -> tuple[Array, dict[str, Array]]:
    """Run an objective once with the draws of an earlier run, and put back what `record` does.

    It takes as much memory as a step of training; a record takes several times that.

    Returns
    -------
    tuple
        The loss, and its gradient at each parameter that it reaches, by name.
    """
    with restored(model.modules()), gradients_on(), unfolded(), _Listener(redrawn=redrawn):
        loss = objective()
        named = {name: each for name, each in model.named_parameters() if each.requires_grad}
        gradients: Sequence[Tensor | None] = [None] * len(named)
        if loss.requires_grad:
            gradients = torch.autograd.grad(loss, [*named.values()], allow_unused=True)
    pairs = zip(named, gradients, strict=True)
    return array_of(loss), {name: array_of(each) for name, each in pairs if each is not None}


class _Listener(CallMode):
    """Keeps what is drawn while it is the active mode, and puts given noise in its place."""

    def __init__(
        self,
        noise: Sequence[Tensor] = (),
        redrawn: Sequence[Tensor] = (),
    ) -> None:
        super().__init__()
        self._given = GivenDraws(noise, redrawn)
        self.draws: list[Tensor] = []

    def handle(self, call: PendingCall) -> Any:
        plan, func, args, kwargs = call
        if plan.drops:
            result, mask = self._given.dropout(func, args, kwargs)
            if mask is not None:
                self.draws.append(mask)
            return result
        result = call.make()
        if plan.draws:
            self._given.replace(result, plan.name, args, kwargs)
            self.draws += [drawn.detach().clone() for drawn in results_of(result)]
        elif call.returns_new_memory:
            result.detach().zero_()  # as in the record, whatever is in this memory
        return result
