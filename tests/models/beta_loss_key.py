"""A β-VAE with free bits, whose dict of outputs has a `loss` in it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BetaVAE(nn.Module):
    def __init__(self, beta: float = 4.0, free_bits: float = 0.01) -> None:
        super().__init__()
        self.beta = beta
        self.free_bits = free_bits
        self.encode = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4))
        self.decode = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        stats = self.encode(x)
        mu, logvar = stats.unbind(-1) if stats.dim() > 2 else stats.tensor_split(2, dim=-1)
        z = mu + torch.randn_like(mu) * torch.exp(logvar / 2)
        recon = self.decode(z)
        recon_loss = F.mse_loss(recon, x, reduction="none").sum(-1).mean()
        kl_each = 0.5 * (mu**2 + logvar.exp() - logvar - 1).mean(0)
        kl_loss = kl_each.clamp(min=self.free_bits).sum()
        loss = recon_loss + self.beta * kl_loss
        return {"loss": loss, "recon": recon, "recon_loss": recon_loss, "kl_loss": kl_loss}
