"""Latents never separate the classes.

The hidden layer is detached before the heads.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "no-gradient"


def faulty(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x).detach()
    mu, logvar = model.to_mu(h), model.to_raw(h)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
