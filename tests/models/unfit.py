"""What people point at by mistake, and what can't be explained, for the tests of refusals."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

SOME_TEXT = "neither a class nor a factory"


def not_a_model() -> int:
    return 3


def scripted() -> nn.Module:
    return torch.jit.script(nn.Linear(2, 2))


def compiled() -> object:
    return torch.compile(nn.Linear(2, 2))


def quantised() -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own layer calls what PyTorch deprecates
        layer = torch.ao.nn.quantized.Linear(2, 2)  # type: ignore[no-untyped-call]  # it has none
    return nn.Sequential(nn.Linear(2, 2), layer)


def needs_an_argument(latent: int) -> nn.Module:
    return nn.Linear(latent, latent)


def unfitting_loss(reconstruction: Tensor, x: Tensor, a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    return reconstruction.sum()


class Doubling(nn.Module):
    """A model that learns nothing, and returns a loss."""

    def forward(self, x: Tensor) -> Tensor:
        return (2 * x).sum()
