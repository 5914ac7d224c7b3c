"""Reconstructions are sharp; what is sampled from the prior is noise.

The noise is scaled down by a hundred, and the KL does not know of it.
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
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) * 0.01
    return error_of(model, z, x) + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
