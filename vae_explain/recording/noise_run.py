"""A run for its noise alone: what a model draws, without a record of anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from .autograd import gradients_on
from .call_info import PendingCall, results_of
from .call_mode import CallMode
from .random_draws import GivenDraws
from .restoring import restored


def draws_of_run(
    objective: Callable[[], object], model: nn.Module, noise: Sequence[Tensor] = ()
) -> list[Tensor]:
    """Run an objective once and return all that it draws, in order, dropout masks among them.

    These are the draws that `record` records, made from the same state of the generator. The
    generator and the buffers of the model are put back.

    Parameters
    ----------
    noise
        Taken, in order, in place of what the model draws from the standard normal.

    Raises
    ------
    NoiseMismatch
        If a given draw does not have the shape of the draw that it replaces.
    """
    listener = _Listener(noise)
    with restored(model.modules()), gradients_on(), listener:
        objective()
    return listener.draws


class _Listener(CallMode):
    """Keeps what is drawn while it is the active mode, and puts given noise in its place."""

    def __init__(self, noise: Sequence[Tensor]) -> None:
        super().__init__()
        self._given = GivenDraws(noise)
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
