"""A ladder VAE: levels of latents, each posterior weighed with what comes down, one KL a level."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Down(nn.Module):
    def __init__(self, inputs: int, outputs: int, latents: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.mean = nn.Conv2d(outputs, latents, 1)
        self.variance = nn.Conv2d(outputs, latents, 1)

    def forward(self, d: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        d = F.leaky_relu(self.norm(self.conv(d)), 0.1)
        return d, self.mean(d), F.softplus(self.variance(d)) + 1e-4


class Up(nn.Module):
    def __init__(self, inputs: int, outputs: int, latents: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(outputs)
        self.mean = nn.Conv2d(outputs, latents, 1)
        self.variance = nn.Conv2d(outputs, latents, 1)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        h = F.leaky_relu(self.norm(self.conv(z)), 0.1)
        return self.mean(h), F.softplus(self.variance(h)) + 1e-4


def sample(mean: Tensor, variance: Tensor) -> Tensor:
    return mean + torch.sqrt(variance) * torch.randn_like(variance)


def divergence(mq: Tensor, vq: Tensor, mp: Tensor, vp: Tensor) -> Tensor:
    return 0.5 * torch.sum(torch.log(vp / vq) + (vq + (mq - mp) ** 2) / vp - 1)


class LadderVAE(nn.Module):
    def __init__(self, channels: int = 16, levels: int = 5, latents: int = 8) -> None:
        super().__init__()
        widths = [3, *(channels * min(2**level, 4) for level in range(levels))]
        self.down = nn.ModuleList(
            Down(widths[level], widths[level + 1], latents) for level in range(levels)
        )
        self.up = nn.ModuleList(
            Up(latents, widths[level + 1], latents) for level in reversed(range(levels - 1))
        )
        self.last = nn.ConvTranspose2d(latents, channels, 4, stride=2, padding=1)
        self.image = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        d, found = x, []
        for down in self.down:
            d, mean, variance = down(d)
            found.append((mean, variance))
        mean, variance = found[-1]
        z = sample(mean, variance)
        kl = divergence(mean, variance, torch.zeros_like(mean), torch.ones_like(mean))
        for up, (d_mean, d_variance) in zip(self.up, reversed(found[:-1]), strict=True):
            p_mean, p_variance = up(z)
            precision = 1 / d_variance + 1 / p_variance
            mean = (d_mean / d_variance + p_mean / p_variance) / precision
            variance = 1 / precision
            z = sample(mean, variance)
            kl = kl + divergence(mean, variance, p_mean, p_variance)
        recon_x = torch.sigmoid(self.image(F.leaky_relu(self.last(z), 0.1)))
        recon = F.binary_cross_entropy(recon_x, x, reduction="sum")
        return {"loss": (recon + kl) / len(x), "recon": recon, "kl": kl}
