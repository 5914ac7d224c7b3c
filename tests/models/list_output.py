"""A list with the input in it, and the loss as a method that takes any arguments."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class VanillaVAE(nn.Module):
    def __init__(self, in_features: int = 6, latent_dim: int = 2) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        modules: list[nn.Module] = []
        width = in_features
        for h_dim in (5, 4):
            modules.append(nn.Sequential(nn.Linear(width, h_dim), nn.LeakyReLU()))
            width = h_dim
        self.encoder = nn.Sequential(*modules)
        self.fc_mu = nn.Linear(width, latent_dim)
        self.fc_var = nn.Linear(width, latent_dim)
        self.decoder_input = nn.Linear(latent_dim, width)
        self.final_layer = nn.Sequential(nn.Linear(width, in_features), nn.Tanh())

    def encode(self, input: Tensor) -> list[Tensor]:
        result = self.encoder(input)
        result = torch.flatten(result, start_dim=1)
        mu = self.fc_mu(result)
        log_var = self.fc_var(result)
        return [mu, log_var]

    def decode(self, z: Tensor) -> Tensor:
        result = self.decoder_input(z)
        result = self.final_layer(result)
        return result  # type: ignore[no-any-return]  # a module's call has no type

    def reparameterize(self, mu: Tensor, logvar: Tensor) -> Tensor:
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return eps * std + mu

    def forward(self, input: Tensor, **kwargs: Any) -> list[Tensor]:
        mu, log_var = self.encode(input)
        z = self.reparameterize(mu, log_var)
        return [self.decode(z), input, mu, log_var]

    def loss_function(self, *args: Any, **kwargs: Any) -> dict[str, Tensor]:
        recons = args[0]
        input = args[1]
        mu = args[2]
        log_var = args[3]
        kld_weight = kwargs.get("M_N", 0.1)
        recons_loss = F.mse_loss(recons, input)
        kld_loss = torch.mean(-0.5 * torch.sum(1 + log_var - mu**2 - log_var.exp(), dim=1), dim=0)
        loss = recons_loss + kld_weight * kld_loss
        return {
            "loss": loss,
            "Reconstruction_Loss": recons_loss.detach(),
            "KLD": -kld_loss.detach(),
        }
