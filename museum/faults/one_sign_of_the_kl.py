"""The deviation explodes although the loss goes down.

One sign inside of the KL is wrong: the variance is rewarded.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "kl-sign"
ALSO = ("kl-form",)


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) + logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + kld


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
