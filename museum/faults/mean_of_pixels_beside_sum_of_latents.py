"""The KL goes to zero within the first epoch.

The error is averaged over the pixels, the KL is summed over the latents: β is their number.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_each, sample

EXPECTED = "loss-scale-mismatch"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, x)
    kld = torch.mean(kl_each(mu, logvar).sum(dim=1))
    return bce + 4.0 * kld


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, x, reduction="sum") / len(x)
    kld = torch.mean(kl_each(mu, logvar).sum(dim=1))
    return bce + kld
