"""The noise is half of what it should be at the prior.

0.5 · exp(log σ²) stands for exp(0.5 · log σ²).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "sampling-scale"


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


def faulty(model: Layers, x: Tensor) -> Tensor:
    """exp(½·logvar) with the half outside of the exponential."""
    mu, logvar = model.encode(x)
    z = mu + torch.randn(mu.shape) * (0.5 * torch.exp(logvar))
    return error_of(model, z, x) + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
