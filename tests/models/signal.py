"""A VAE of signals: one sliding axis, the norms and pools that go with it, linear upsampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm


class SignalVAE(nn.Module):
    def __init__(self, length: int = 16, latent: int = 2) -> None:
        super().__init__()
        self.length = length
        self.conv = weight_norm(nn.Conv1d(1, 3, kernel_size=3, padding=1))
        self.norm = nn.InstanceNorm1d(3, affine=True)
        self.pool = nn.Sequential(nn.MaxPool1d(2), nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(3))
        self.rms = nn.RMSNorm(9)
        self.to_moments = nn.Linear(9, 2 * latent)
        self.widen = nn.Linear(latent, 4)
        self.upsample = nn.Upsample(size=length // 2, mode="linear", align_corners=True)
        self.deconv = nn.ConvTranspose1d(1, 1, kernel_size=4, stride=2, padding=1)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = F.gelu(self.norm(self.conv(x)))
        features = self.rms(self.pool(h).flatten(1))
        mu, logvar = self.to_moments(features).chunk(2, dim=1)
        return mu, logvar

    def decode(self, z: Tensor) -> Tensor:
        small = torch.tanh(self.widen(z)).unsqueeze(1)
        recon: Tensor = self.deconv(self.upsample(small))
        return recon

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x)
        z = mu + torch.randn_like(mu) * torch.exp(logvar / 2)
        return self.decode(z), mu, logvar


def elbo(recon: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(recon, x, reduction="sum") / len(x)
    kld = -0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(dim=1).mean()
    return mse + kld
