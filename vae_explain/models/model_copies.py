"""Copies of a model, which share nothing with it, in its own precision or in float64."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..recording.decompositions.networks import eps_of_rms_norm
from ..recording.tensor_arrays import tensors_in


def copy_of(model: nn.Module) -> nn.Module:
    """Return a copy of a model that shares nothing with it.

    A tensor with a history, as the weight that `torch.nn.utils.weight_norm` computes anew at
    each call and leaves behind, or a term that a model keeps for its log, cannot be copied as
    it is: its numbers are.
    """
    left_behind = (
        tensor
        for module in model.modules()
        for tensor in tensors_in(vars(module))
        if not tensor.is_leaf
    )
    copied = copy.deepcopy(model, {id(tensor): tensor.detach().clone() for tensor in left_behind})
    # Which PyTorch leaves out when it copies a parameter.
    for original, parameter in zip(model.parameters(), copied.parameters(), strict=True):
        for hook in (original._backward_hooks or {}).values():
            parameter.register_hook(hook)  # type: ignore[no-untyped-call] # PyTorch's own
    return copied


def in_float64(model: nn.Module) -> nn.Module:
    """Return a copy of a model in float64, with what it keeps beside its parameters."""
    exact = copy_of(model).double()
    own = next((parameter.dtype for parameter in model.parameters()), torch.float32)
    for module in exact.modules():
        if isinstance(module, nn.RMSNorm) and module.eps is None:
            module.eps = eps_of_rms_norm(own)
        for tensor in _kept(vars(module)):
            if tensor.dtype == torch.float32:
                tensor.data = tensor.data.double()
    return exact


def _kept(attributes: Mapping[str, Any]) -> Iterator[Tensor]:
    """Yield what a module keeps without telling PyTorch, also in a distribution, as its prior."""
    yield from tensors_in(attributes)
    for value in attributes.values():
        if isinstance(value, torch.distributions.Distribution):
            yield from _kept(vars(value))
