"""A VQ-VAE: the nearest code by cross distances, and the straight-through estimator."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings: int = 4, dim: int = 2, commitment: float = 0.25) -> None:
        super().__init__()
        self.commitment = commitment
        self.embedding = nn.Embedding(num_embeddings, dim)
        self.embedding.weight.data.uniform_(-1, 1)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        flat = inputs.view(-1, inputs.shape[-1])
        distances = (
            torch.sum(flat**2, dim=1, keepdim=True)
            + torch.sum(self.embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat, self.embedding.weight.t())
        )
        indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(indices.shape[0], self.embedding.num_embeddings)
        encodings.scatter_(1, indices, 1)
        quantized = torch.matmul(encodings, self.embedding.weight).view(inputs.shape)
        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        q_latent_loss = F.mse_loss(quantized, inputs.detach())
        vq_loss = q_latent_loss + self.commitment * e_latent_loss
        quantized = inputs + (quantized - inputs).detach()
        return quantized, vq_loss


class VQVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
        self.quantizer = VectorQuantizer()
        self.decoder = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        z_e = self.encoder(x).reshape(len(x), 2, 2)
        z_q, vq_loss = self.quantizer(z_e)
        x_recon = self.decoder(z_q.flatten(1))
        recon_error = F.mse_loss(x_recon, x)
        return {"loss": recon_error + vq_loss, "x_recon": x_recon}
