"""Library likelihood."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    nll = F.gaussian_nll_loss(recon, x, 0.25 * torch.ones_like(x), reduction="sum")
    return nll + kl_of(mu, logvar)
