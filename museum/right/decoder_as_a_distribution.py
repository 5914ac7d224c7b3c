"""Decoder as a distribution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    q = Independent(Normal(mu, F.softplus(raw)), 1)
    p = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
    z = q.rsample()
    likelihood = Independent(Normal(model.decoder(z), torch.tensor(0.1)), 1)
    elbo = likelihood.log_prob(x) - kl_divergence(q, p)
    return -elbo.mean()
