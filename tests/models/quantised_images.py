"""A VQ-VAE of images: residual blocks, a codebook, and the straight-through estimator."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
        )

    def forward(self, input: Tensor) -> Tensor:
        output: Tensor = input + self.block(input)
        return output


class Codebook(nn.Module):
    def __init__(self, codes: int, width: int, beta: float = 0.25) -> None:
        super().__init__()
        self.codes, self.width, self.beta = codes, width, beta
        self.embedding = nn.Embedding(codes, width)
        self.embedding.weight.data.uniform_(-1 / codes, 1 / codes)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        latents = latents.permute(0, 2, 3, 1).contiguous()
        flat_latents = latents.view(-1, self.width)
        dist = (
            torch.sum(flat_latents**2, dim=1, keepdim=True)
            + torch.sum(self.embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat_latents, self.embedding.weight.t())
        )
        encoding_inds = torch.argmin(dist, dim=1).unsqueeze(1)
        encoding_one_hot = torch.zeros(encoding_inds.size(0), self.codes)
        encoding_one_hot.scatter_(1, encoding_inds, 1)
        quantized_latents = torch.matmul(encoding_one_hot, self.embedding.weight)
        quantized_latents = quantized_latents.view(latents.shape)
        commitment_loss = F.mse_loss(quantized_latents.detach(), latents)
        embedding_loss = F.mse_loss(quantized_latents, latents.detach())
        vq_loss = commitment_loss * self.beta + embedding_loss
        quantized_latents = latents + (quantized_latents - latents).detach()
        return quantized_latents.permute(0, 3, 1, 2).contiguous(), vq_loss


class ImageVQVAE(nn.Module):
    def __init__(self, channels: int = 64, codes: int = 256, width: int = 32, blocks: int = 3):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, channels, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.Conv2d(channels, channels, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            *(Residual(channels) for _ in range(blocks)),
            nn.Conv2d(channels, width, 1),
        )
        self.vq_layer = Codebook(codes, width)
        self.decoder = nn.Sequential(
            nn.Conv2d(width, channels, 3, padding=1),
            *(Residual(channels) for _ in range(blocks)),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
            nn.LeakyReLU(),
            nn.ConvTranspose2d(channels, 3, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        encoding = self.encoder(input)
        quantized_inputs, vq_loss = self.vq_layer(encoding)
        recons = self.decoder(quantized_inputs)
        recons_loss = F.mse_loss(recons, input)
        return {"loss": recons_loss + vq_loss, "recons_loss": recons_loss, "vq_loss": vq_loss}
