"""Sparse hidden layer."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample


def right(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) - 0.1 * h.abs().sum()
