"""A convolutional VAE whose reconstruction is judged by structural similarity (SSIM)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def gaussian_window(size: int, sigma: float, channels: int) -> Tensor:
    at = torch.arange(size, dtype=torch.float32) - size // 2
    line = torch.exp(-(at**2) / (2 * sigma**2))
    line = line / line.sum()
    return torch.outer(line, line).expand(channels, 1, size, size).contiguous()


class SSIM(nn.Module):
    def __init__(self, window_size: int = 11, channels: int = 3) -> None:
        super().__init__()
        self.window_size = window_size
        self.channels = channels
        self.window: Tensor
        self.register_buffer("window", gaussian_window(window_size, 1.5, channels))

    def blur(self, image: Tensor) -> Tensor:
        padding = self.window_size // 2
        return F.conv2d(image, self.window, padding=padding, groups=self.channels)

    def forward(self, img1: Tensor, img2: Tensor) -> Tensor:
        mu1, mu2 = self.blur(img1), self.blur(img2)
        mu1_sq, mu2_sq, mu1_mu2 = mu1.pow(2), mu2.pow(2), mu1 * mu2
        sigma1_sq = self.blur(img1 * img1) - mu1_sq
        sigma2_sq = self.blur(img2 * img2) - mu2_sq
        sigma12 = self.blur(img1 * img2) - mu1_mu2
        C1, C2 = 0.01**2, 0.03**2
        ssim_map = ((2 * mu1_mu2 + C1) * (2 * sigma12 + C2)) / (
            (mu1_sq + mu2_sq + C1) * (sigma1_sq + sigma2_sq + C2)
        )
        return 1 - ssim_map.mean()


class SSIMVAE(nn.Module):
    def __init__(
        self, channels: int = 32, latents: int = 32, size: int = 64, window_size: int = 11
    ) -> None:
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels, 8 * channels)
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, 3, stride=2, padding=1),
                    nn.BatchNorm2d(after),
                    nn.LeakyReLU(),
                )
                for before, after in zip((3, *widths[:-1]), widths, strict=True)
            )
        )
        self.side = size // 16
        flat = widths[-1] * self.side**2
        self.fc_mu = nn.Linear(flat, latents)
        self.fc_var = nn.Linear(flat, latents)
        self.decoder_input = nn.Linear(latents, flat)
        backwards = widths[::-1]
        self.decoder = nn.Sequential(
            *(
                nn.Sequential(
                    nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=1),
                    nn.BatchNorm2d(after),
                    nn.LeakyReLU(),
                )
                for before, after in zip(backwards, (*backwards[1:], channels), strict=True)
            ),
            nn.Conv2d(channels, 3, 3, padding=1),
            nn.Sigmoid(),
        )
        self.ssim = SSIM(window_size)

    def reparameterize(self, mu: Tensor, log_var: Tensor) -> Tensor:
        std = torch.exp(0.5 * log_var)
        eps = torch.randn_like(std)
        return eps * std + mu

    def forward(self, input: Tensor) -> list[Tensor]:
        result = torch.flatten(self.encoder(input), start_dim=1)
        mu, log_var = self.fc_mu(result), self.fc_var(result)
        z = self.reparameterize(mu, log_var)
        hidden = self.decoder_input(z).view(len(z), -1, self.side, self.side)
        return [self.decoder(hidden), input, mu, log_var]

    def loss_function(self, *args: Tensor) -> dict[str, Tensor]:
        recons, input, mu, log_var = args
        recons_loss = self.ssim(recons, input)
        kld_loss = torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1), dim=0)
        return {"loss": recons_loss + 0.01 * kld_loss, "KLD": kld_loss}
