"""With importance weights the samples are worse than without.

Each draw is weighed by a softmax of its loss, which is largest for the worst.
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
    cost = losses(model, x)
    return (torch.softmax(cost, dim=0).detach() * cost).sum(0).mean()


def right(model: Layers, x: Tensor) -> Tensor:
    cost = losses(model, x)
    return (torch.softmax(-cost, dim=0).detach() * cost).sum(0).mean()
