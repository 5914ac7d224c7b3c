"""A posterior with a full covariance: `MultivariateNormal`, drawn from by its Cholesky factor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence


class FullCovarianceVAE(nn.Module):
    def __init__(self, input_dim: int = 6, hidden_dim: int = 4, latent_dim: int = 2) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.hidden = nn.Sequential(nn.Linear(input_dim, hidden_dim), nn.Tanh())
        self.to_mean = nn.Linear(hidden_dim, latent_dim)
        self.to_root = nn.Linear(hidden_dim, latent_dim**2)
        self.decoder = nn.Linear(latent_dim, input_dim)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        h = self.hidden(x)
        mean = self.to_mean(h)
        root = self.to_root(h).view(-1, self.latent_dim, self.latent_dim)
        identity = torch.eye(self.latent_dim)
        covariance = root @ root.mT + 0.1 * identity
        posterior = MultivariateNormal(mean, covariance_matrix=covariance)
        prior = MultivariateNormal(torch.zeros(self.latent_dim), identity)
        z = posterior.rsample()
        recon = self.decoder(z)
        recon_loss = ((recon - x) ** 2).sum(dim=1).mean()
        kl = kl_divergence(posterior, prior).mean()
        return {"loss": recon_loss + kl, "recon": recon}
