"""Convolutions down, transposed convolutions up, with group norm and pooling on the way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class UnFlatten(nn.Module):
    def forward(self, input: Tensor) -> Tensor:
        return input.view(input.size(0), -1, 2, 2)


class ConvVAE(nn.Module):
    def __init__(self, channels: int = 1, z_dim: int = 2) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, 2, kernel_size=3, stride=2, padding=1),
            nn.GroupNorm(1, 2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.fc1 = nn.Linear(8, z_dim)
        self.fc2 = nn.Linear(8, z_dim)
        self.fc3 = nn.Linear(z_dim, 8)
        self.decoder = nn.Sequential(
            UnFlatten(),
            nn.Upsample(scale_factor=2),
            nn.ConvTranspose2d(2, channels, kernel_size=4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def bottleneck(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.fc1(h), self.fc2(h)
        std = logvar.mul(0.5).exp()
        esp = torch.randn(*mu.size())
        z = mu + std * esp
        return z, mu, logvar

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        z, mu, logvar = self.bottleneck(h)
        z = self.fc3(z)
        return self.decoder(z), mu, logvar


def loss_fn(recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> tuple[Tensor, ...]:
    BCE = F.binary_cross_entropy(recon_x, x, reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD, BCE, KLD
