"""A run for its noise alone: what a model draws, without a record of anything else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .autograd import gradients_on
from .call_info import plan_for, results_of
from .decompositions import decomposition_of
from .lost_kwargs import with_lost
from .random_draws import dropped, input_of, is_standard_normal, replace
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


class _Listener(TorchFunctionMode):
    """Keeps what is drawn while it is the active mode, and puts given noise in its place."""

    def __init__(self, noise: Sequence[Tensor]) -> None:
        super().__init__()
        self._noise = list(noise)
        self.draws: list[Tensor] = []

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        plan = plan_for(func)
        kwargs = kwargs or {}
        if plan.decomposed:
            kwargs = with_lost(plan.name, kwargs, sys._getframe(1))
            decomposition = decomposition_of(plan.name, args, kwargs)
            if decomposition is not None:
                with self:  # PyTorch switches a mode off while it handles a call
                    return decomposition()
        if plan.drops:
            ones = torch.ones_like(input_of(args, kwargs), requires_grad=False)
            result, mask = dropped(func, args, kwargs, ones)
            if mask is not None:
                self.draws.append(mask)
            return result
        result = func(*args, **kwargs)
        if plan.draws:
            if self._noise and is_standard_normal(plan.name, args, kwargs):
                replace(result, self._noise.pop(0))
            self.draws += [drawn.detach().clone() for drawn in results_of(result)]
        elif plan.uninitialised and kwargs.get("out") is None:
            result.detach().zero_()  # as in the record, whatever is in this memory
        return result
