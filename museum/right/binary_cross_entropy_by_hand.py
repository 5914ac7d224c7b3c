"""Binary cross entropy by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, kl_of, sample


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1e-7, 1 - 1e-7)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)
