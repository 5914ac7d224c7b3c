"""A VAE with a mistake that `vae-explain audit` finds: x has 6 columns, z has 2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MistakenVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 8), nn.Tanh())
        self.to_mu = nn.Linear(8, 2)
        self.to_logvar = nn.Linear(8, 2)
        self.decoder = nn.Linear(2, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, logvar = self.to_mu(h), self.to_logvar(h)
        z = mu + torch.exp(logvar) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


def loss(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return mse + kld
