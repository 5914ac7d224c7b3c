"""Layer norm and dropout between the layers; the loss is a method with arguments by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, out)
        self.norm = nn.LayerNorm(out)
        self.drop = nn.Dropout(0.25)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.linear(x))
        return self.drop(F.silu(normed))  # type: ignore[no-any-return]  # a module's call


class NormVAE(nn.Module):
    def __init__(self, latent: int = 2) -> None:
        super().__init__()
        self.enc = nn.Sequential(Block(6, 5), Block(5, 5))
        self.mu = nn.Linear(5, latent)
        self.logvar = nn.Linear(5, latent)
        self.dec = nn.Sequential(Block(latent, 5), nn.Linear(5, 6))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + (0.5 * logvar).exp() * torch.randn_like(mu) if self.training else mu
        return self.dec(z), (mu, logvar)

    def loss(self, recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> dict[str, Tensor]:
        mse = ((recon - x) ** 2).mean()
        kld = (-0.5 * (1 + logvar - mu**2 - logvar.exp())).mean()
        return {"total_loss": mse + kld, "mse": mse}
