"""The cross-entropy written by hand is NaN from the start.

The logarithm is taken of an output without a sigmoid.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "not-finite"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    bce = -(x * torch.log(recon - 1) + (1 - x) * torch.log(2 - recon)).sum()
    return bce + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1e-6, 1 - 1e-6)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)
