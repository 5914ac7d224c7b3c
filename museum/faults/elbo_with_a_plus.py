"""Samples of the posterior drift away from the prior, epoch by epoch.

The KL is added to the likelihood, and the sum is maximized: the sign belongs to both.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers

EXPECTED = "kl-sign"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    elbo = -((recon - x) ** 2).sum(1) + kl
    return -elbo.mean()


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    elbo = -((recon - x) ** 2).sum(1) - kl
    return -elbo.mean()
