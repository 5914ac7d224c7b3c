"""A dataclass as the output, the reconstruction scaled by a spread that is learned."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class VAEOutput:
    recon: Tensor
    mean: Tensor
    log_var: Tensor
    log_sigma: Tensor


class GaussianVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.ELU())
        self.heads = nn.Linear(5, 4)
        self.decoder = nn.Linear(2, 6)
        self.log_sigma = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> VAEOutput:
        mean, log_var = torch.split(self.heads(self.body(x)), 2, dim=1)
        noise = torch.randn_like(mean)
        z = torch.addcmul(mean, torch.exp(log_var * 0.5), noise)
        return VAEOutput(self.decoder(z), mean, log_var, self.log_sigma)


def negative_elbo(
    recon: Tensor, x: Tensor, mean: Tensor, log_var: Tensor, log_sigma: Tensor
) -> Tensor:
    error = (recon - x) / log_sigma.exp()
    nll = (0.5 * error**2 + log_sigma + 0.5 * math.log(2 * math.pi)).sum()
    kl = -0.5 * (1 + log_var - mean**2 - log_var.exp()).sum()
    return nll + kl
