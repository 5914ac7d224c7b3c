"""Several normal variables."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import MultivariateNormal, kl_divergence

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    covariance = torch.diag_embed(F.softplus(raw))
    q = MultivariateNormal(mu, covariance)
    p = MultivariateNormal(torch.zeros(3), torch.eye(3))
    recon = model.decoder(q.rsample())
    return F.mse_loss(recon, x, reduction="sum") + kl_divergence(q, p).sum()
