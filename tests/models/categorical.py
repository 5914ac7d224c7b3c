"""A VAE whose latents are choices, drawn by a Gumbel softmax that is hard going forward.

It draws nothing from a normal distribution, so that it is no model of the table.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class CategoricalVAE(nn.Module):
    def __init__(self, latents: int = 2, classes: int = 3) -> None:
        super().__init__()
        self.shape = (latents, classes)
        self.encoder = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, latents * classes))
        self.decoder = nn.Sequential(nn.Linear(latents * classes, 5), nn.Tanh(), nn.Linear(5, 6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        logits = self.encoder(x).unflatten(1, self.shape)
        z = F.gumbel_softmax(logits, tau=0.7, hard=True)
        return {"recon": self.decoder(z.flatten(1)), "logits": logits}


def elbo(recon: Tensor, x: Tensor, logits: Tensor) -> Tensor:
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum") / len(x)
    log_q = F.log_softmax(logits, dim=-1)
    kl = (log_q.exp() * (log_q + math.log(logits.shape[-1]))).sum(dim=(1, 2)).mean()
    return torch.add(bce, kl)
