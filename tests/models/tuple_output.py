"""As in PyTorch's own example: the model returns a tuple, the loss stands beside it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class VAE(nn.Module):
    def __init__(self, latent: int = 2) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 5)
        self.fc21 = nn.Linear(5, latent)
        self.fc22 = nn.Linear(5, latent)
        self.fc3 = nn.Linear(latent, 5)
        self.fc4 = nn.Linear(5, 6)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z: Tensor) -> Tensor:
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mu, logvar = self.encode(x.view(-1, 6))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(
    recon_x: Tensor, x: Tensor, mu: Tensor, logvar: Tensor, beta: float = 0.5
) -> Tensor:
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 6), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + beta * KLD
