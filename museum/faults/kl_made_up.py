"""What is sampled from N(0, 1) looks like nothing.

A penalty of one's own in place of the KL is least at another mean and deviation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "kl-at-prior"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = ((mu - 1) ** 2 + torch.abs(logvar.exp() - 2) + 0.1 * mu * logvar).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
