"""What the faults share: layers, the usual sample, the usual KL, and a batch.

Each fault is an objective over these layers, written as a user writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Objective = Callable[["Layers", Tensor], Tensor]


class Layers(nn.Module):
    """Encoder, two heads and a decoder; `extra` is for what only one model has."""

    def __init__(self, width: int = 6, hidden: int = 8, latent: int = 3) -> None:
        super().__init__()
        self.width, self.latent = width, latent
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.Tanh())
        self.to_mu = nn.Linear(hidden, latent)
        self.to_raw = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.Tanh(), nn.Linear(hidden, width))
        self.extra = nn.ModuleDict()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(x)
        return self.to_mu(h), self.to_raw(h)


def part(model: Layers, name: str) -> Any:
    """Return what only one model has; a `ModuleDict` does not know its kind."""
    return model.extra[name]


def sample(mu: Tensor, logvar: Tensor) -> Tensor:
    std = torch.exp(0.5 * logvar)
    return mu + std * torch.randn_like(std)


def kl_each(mu: Tensor, logvar: Tensor) -> Tensor:
    return -0.5 * (1 + logvar - mu.pow(2) - logvar.exp())


def kl_of(mu: Tensor, logvar: Tensor) -> Tensor:
    return torch.sum(kl_each(mu, logvar))


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


def usual(model: Layers, x: Tensor) -> Tensor:
    """Return the right loss that most faults are a slip in."""
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def rows(count: int = 5, width: int = 6, scale: float = 1.0) -> Tensor:
    """Return inputs between 0 and a scale, the same at every call."""
    generator = torch.Generator().manual_seed(17)
    return scale * torch.rand(count, width, generator=generator)


def with_(**parts: tuple[int, int]) -> Layers:
    """Return the layers with some more, each of so many inputs and outputs."""
    model = Layers()
    for name, (inputs, outputs) in parts.items():
        model.extra[name] = nn.Linear(inputs, outputs)
    return model
