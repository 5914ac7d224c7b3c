"""With torch.distributions: a reparameterised sample and a KL divergence of two normals."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F


class DistributionVAE(nn.Module):
    prior_loc: Tensor
    prior_scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.Tanh())
        self.loc = nn.Linear(5, 2)
        self.scale = nn.Linear(5, 2)
        self.decoder = nn.Linear(2, 6)
        self.register_buffer("prior_loc", torch.zeros(2))
        self.register_buffer("prior_scale", torch.ones(2))

    def posterior(self, x: Tensor) -> Normal:
        hidden = self.encoder(x)
        return Normal(self.loc(hidden), F.softplus(self.scale(hidden)) + 1e-4)

    def forward(self, x: Tensor) -> tuple[Tensor, Normal]:
        q = self.posterior(x)
        z = q.rsample()
        return self.decoder(z), q

    def loss(self, recon: Tensor, q: Normal, x: Tensor) -> Tensor:
        prior = Normal(self.prior_loc, self.prior_scale)
        kl = kl_divergence(q, prior).sum(-1)
        p = Normal(recon, torch.ones_like(recon))
        log_prob: Tensor = p.log_prob(x)  # type: ignore[no-untyped-call]  # PyTorch's has none
        log_likelihood = log_prob.sum(-1)
        return (kl - log_likelihood).mean()
