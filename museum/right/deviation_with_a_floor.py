"""Deviation with a floor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar).clamp(min=1e-3)
    z = mu + std * torch.randn_like(std)
    kl = 0.5 * torch.sum(mu**2 + std**2 - 1 - 2 * torch.log(std))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
