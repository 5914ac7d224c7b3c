"""The loss falls below zero and goes on falling.

The KL is written as it stands in the ELBO, which is maximized, and added to a loss, which is
minimized.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "kl-sign"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kld = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kld


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
