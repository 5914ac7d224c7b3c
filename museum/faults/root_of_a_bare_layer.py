"""sqrt gives NaN now and then.

The variance comes from a layer that nothing keeps above zero, and its root is taken.
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
    mu, variance = model.encode(x)
    z = mu + torch.sqrt(variance) * torch.randn_like(mu)
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw)
    z = mu + torch.sqrt(variance) * torch.randn_like(mu)
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
