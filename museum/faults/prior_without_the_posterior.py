"""The noise shrinks to nothing, and the latents look like an autoencoder's.

The loss has -log p(z) of the sample and leaves out log q(z|x), which holds the deviations.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, sample

EXPECTED = "latent-without-kl"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + 0.5 * (z**2).sum()


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    eps = torch.randn_like(std)
    z = mu + std * eps
    kl = (0.5 * z**2 - 0.5 * eps**2 - std.log()).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
