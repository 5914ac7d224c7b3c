"""The posteriors end up at half the prior's variance.

The KL has log σ where log σ² belongs, which is twice as much.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers

EXPECTED = "kl-form"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    recon = model.decoder(mu + sigma * torch.randn_like(sigma))
    kl = -0.5 * torch.sum(1 + torch.log(sigma) - mu**2 - sigma**2)
    return F.mse_loss(recon, x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    recon = model.decoder(mu + sigma * torch.randn_like(sigma))
    kl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu**2 - sigma**2)
    return F.mse_loss(recon, x, reduction="sum") + kl
