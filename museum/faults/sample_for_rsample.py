"""The encoder does not learn from the reconstruction.

z comes from sample(), which passes no gradient; rsample() does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers

EXPECTED = "noise-detached"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.sample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl
