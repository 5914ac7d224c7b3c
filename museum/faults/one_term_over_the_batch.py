"""With a larger batch the samples get worse.

The error is summed over the batch, the KL averaged: the KL loses weight with each row.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_each, sample

EXPECTED = "loss-scale-mismatch"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.mse_loss(recon, x, reduction="sum")
    kl = kl_each(mu, logvar).sum(dim=1).mean()
    return error + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.mse_loss(recon, x, reduction="sum") / len(x)
    kl = kl_each(mu, logvar).sum(dim=1).mean()
    return error + kl
