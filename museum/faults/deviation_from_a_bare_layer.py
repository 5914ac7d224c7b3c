"""The loss is NaN after some hundred steps.

The deviation comes from a layer that nothing keeps above zero, and its logarithm is taken.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers

EXPECTED = "negative-scale"


def positive_so_far() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias.fill_(3.0)
    return model


def make() -> Layers:
    return positive_so_far()


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, sigma = model.encode(x)
    z = mu + sigma * torch.randn_like(sigma)
    kl = torch.sum(0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    z = mu + sigma * torch.randn_like(sigma)
    kl = torch.sum(0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
