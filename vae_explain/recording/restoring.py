"""Restoring what a run changes besides its tensors: the generator and running statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from .tensor_arrays import require_numbers

Buffers = Sequence[tuple[Tensor, Tensor]]


@contextmanager
def restored(modules: Iterable[nn.Module]) -> Iterator[Buffers]:
    """Put PyTorch's generator and the modules' own buffers back after a run.

    Yields
    ------
    sequence of pairs
        Each buffer, as the running mean of a batch norm, and a copy of it from before the run.
    """
    state = torch.default_generator.get_state()
    own = [b for module in modules for b in module._buffers.values() if b is not None]
    for buffer in own:
        require_numbers(buffer)
    buffers = [(buffer, buffer.detach().clone()) for buffer in own]
    try:
        yield buffers
    finally:
        torch.default_generator.set_state(state)
        if buffers:
            with torch.no_grad():
                for buffer, before in changed(buffers):
                    buffer.copy_(before)


def changed(buffers: Buffers) -> Buffers:
    """Return the buffers that have changed, each with its copy from before."""
    return [pair for pair in buffers if not torch.equal(*pair)]
