"""Log of sigma squared."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = 1e-6 + F.softplus(raw)
    recon = model.decoder(mu + sigma * torch.randn_like(sigma))
    kl = torch.mean(0.5 * torch.sum(mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1, dim=1))
    return F.mse_loss(recon, x, reduction="sum") / len(x) + kl
