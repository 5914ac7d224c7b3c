"""The KL is not zero where the posterior is the prior.

The KL takes log σ² for σ² itself, and a softplus keeps it from going below zero.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, sample

EXPECTED = "kl-form"
ALSO = ("head-range",)


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    logvar = F.softplus(raw) + 0.1
    recon = model.decoder(sample(mu, logvar))
    kld = 0.5 * torch.sum(mu**2 + logvar - 1 - torch.log(logvar))
    return F.mse_loss(recon, x, reduction="sum") + kld


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = mu + variance.sqrt() * torch.randn_like(mu)
    kld = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kld
