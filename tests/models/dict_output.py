"""A dict of everything, under names of its own, and a loss that takes some of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AutoEncoder(nn.Module):
    def __init__(self, latent: int = 2) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 5), nn.SiLU(), nn.Linear(5, 6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        z_mean, z_log_var = self.encoder(x).chunk(2, dim=-1)
        epsilon = torch.randn(x.size(0), self.latent, device=x.device)
        z = z_mean + epsilon * (z_log_var / 2).exp()
        return {"z": z, "z_mean": z_mean, "z_log_var": z_log_var, "x_hat": self.decoder(z)}


def elbo(x_hat: Tensor, target: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    recon_loss = F.l1_loss(x_hat, target, reduction="none").sum(dim=1)
    kl_loss = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=1)
    return (recon_loss + kl_loss).mean(), recon_loss.mean()
