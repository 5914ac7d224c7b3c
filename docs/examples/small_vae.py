"""A VAE and its loss, as many people write them: x has 3 columns, z has 2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SmallVAE(nn.Module):
    """Three inputs, two latents, the output squashed to between 0 and 1."""

    def __init__(self, latent: int = 2) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
        self.to_mu = nn.Linear(4, latent)
        self.to_logvar = nn.Linear(4, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 3), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


def loss(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, beta: float = 0.5) -> Tensor:
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + beta * kld
