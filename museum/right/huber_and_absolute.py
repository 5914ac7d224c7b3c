"""Huber and absolute."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.smooth_l1_loss(recon, x, reduction="sum") + 0.1 * F.l1_loss(recon, x, reduction="sum")
    return error + kl_of(mu, logvar)
