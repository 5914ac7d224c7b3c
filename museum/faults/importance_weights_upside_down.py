"""The bound by importance weights gets worse with more draws.

The logsumexp is taken of each draw's loss, and not of minus its loss: the worst draw counts most.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers

EXPECTED = "reconstruction-sign"


def losses(model: Layers, x: Tensor) -> Tensor:
    """Return what each of seven draws of a row costs, -log p(x, z)/q(z)."""
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    eps = torch.randn(7, *mu.shape)
    z = mu + std * eps
    error = ((model.decoder(z) - x) ** 2).sum(-1)
    return error + (0.5 * z**2 - 0.5 * eps**2 - std.log()).sum(-1)


def faulty(model: Layers, x: Tensor) -> Tensor:
    return torch.logsumexp(losses(model, x), dim=0).mean()


def right(model: Layers, x: Tensor) -> Tensor:
    return -torch.logsumexp(-losses(model, x), dim=0).mean()
