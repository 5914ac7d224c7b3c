"""The decoder gives logits; the loss squashes them, and weighs its terms by options."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LogitVAE(nn.Module):
    def __init__(self, *, hidden: int, activation: str = "relu") -> None:
        super().__init__()
        self.activation = getattr(F, activation)
        self.inp = nn.Linear(6, hidden)
        self.mean = nn.Linear(hidden, 2)
        self.lv = nn.Linear(hidden, 2)
        self.out = nn.Linear(2, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        h = self.activation(self.inp(x))
        mean, lv = self.mean(h), self.lv(h)
        z = torch.normal(0.0, 1.0, size=mean.shape) * torch.exp(0.5 * lv) + mean
        logits = self.out(z)
        return logits, z, mean, lv


def make(hidden: int = 5, activation: str = "relu") -> LogitVAE:
    return LogitVAE(hidden=hidden, activation=activation)


def bce_kl(
    logits: Tensor, x: Tensor, mean: Tensor, lv: Tensor, z: Tensor, kl_weight: float = 1.0
) -> Tensor:
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / x.shape[0]
    kl = -0.5 * torch.mean(torch.sum(1 + lv - mean**2 - lv.exp(), dim=1))
    l2: Tensor = 1e-3 * z.norm() ** 2
    return bce + kl_weight * kl + l2
