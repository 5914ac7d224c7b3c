"""The latents have the wrong spread from the first step.

The noise is scaled by log σ² itself.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of

EXPECTED = "sampling-scale"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn_like(logvar)
    z = eps.mul(logvar).add_(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn_like(logvar)
    z = eps.mul(torch.exp(0.5 * logvar)).add_(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)
