"""An autoencoder as of latent diffusion: residual blocks with group norm, and attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def nonlinearity(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


class ResnetBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, in_channels, eps=1e-6)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=1e-6)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.nin_shortcut = (
            nn.Conv2d(in_channels, out_channels, 1)
            if in_channels != out_channels
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(nonlinearity(self.norm1(x)))
        h = self.conv2(nonlinearity(self.norm2(h)))
        output: Tensor = self.nin_shortcut(x) + h
        return output


class AttnBlock(nn.Module):
    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        h_ = self.norm(x)
        q, k, v = self.q(h_), self.k(h_), self.v(h_)
        b, c, h, w = q.shape
        q = q.reshape(b, c, h * w).permute(0, 2, 1)
        k = k.reshape(b, c, h * w)
        w_ = torch.bmm(q, k) * int(c) ** (-0.5)
        w_ = F.softmax(w_, dim=2)
        v = v.reshape(b, c, h * w)
        h_ = torch.bmm(v, w_.permute(0, 2, 1)).reshape(b, c, h, w)
        output: Tensor = x + self.proj_out(h_)
        return output


class AutoencoderKL(nn.Module):
    def __init__(self, channels: int = 32, latents: int = 4, groups: int = 8) -> None:
        super().__init__()
        wide = 2 * channels
        self.encoder = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            ResnetBlock(channels, channels, groups),
            nn.Conv2d(channels, channels, 3, stride=2, padding=1),
            ResnetBlock(channels, wide, groups),
            nn.Conv2d(wide, wide, 3, stride=2, padding=1),
            ResnetBlock(wide, wide, groups),
            AttnBlock(wide, groups),
            ResnetBlock(wide, wide, groups),
            nn.GroupNorm(groups, wide, eps=1e-6),
            nn.SiLU(),
            nn.Conv2d(wide, 2 * latents, 3, padding=1),
        )
        self.quant_conv = nn.Conv2d(2 * latents, 2 * latents, 1)
        self.post_quant_conv = nn.Conv2d(latents, latents, 1)
        self.decoder = nn.Sequential(
            nn.Conv2d(latents, wide, 3, padding=1),
            ResnetBlock(wide, wide, groups),
            AttnBlock(wide, groups),
            ResnetBlock(wide, wide, groups),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
            nn.Conv2d(wide, channels, 3, padding=1),
            ResnetBlock(channels, channels, groups),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
            nn.GroupNorm(groups, channels, eps=1e-6),
            nn.SiLU(),
            nn.Conv2d(channels, 3, 3, padding=1),
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        moments = self.quant_conv(self.encoder(x))
        mean, logvar = torch.chunk(moments, 2, dim=1)
        logvar = torch.clamp(logvar, -30.0, 20.0)
        std = torch.exp(0.5 * logvar)
        z = mean + std * torch.randn(mean.shape)
        reconstructions = self.decoder(self.post_quant_conv(z))
        rec_loss = torch.abs(x - reconstructions)
        nll_loss = torch.sum(rec_loss) / rec_loss.shape[0]
        kl_loss = 0.5 * torch.sum(mean**2 + torch.exp(logvar) - 1.0 - logvar) / len(x)
        return {"loss": nll_loss + 1e-6 * kl_loss, "nll": nll_loss, "kl": kl_loss}
