"""Batch norm in encoder and decoder; it returns a named tuple."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Result(NamedTuple):
    reconstruction: Tensor
    mu: Tensor
    logvar: Tensor


def dense(width: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, out, bias=False), nn.BatchNorm1d(out), nn.ReLU(True))


class BatchNormVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = dense(6, 5)
        self.fc_mu = nn.Linear(5, 2)
        self.fc_logvar = nn.Linear(5, 2)
        self.decoder = nn.Sequential(dense(2, 5), nn.Linear(5, 6), nn.Softplus())

    def forward(self, x: Tensor) -> Result:
        hidden = self.encoder(x)
        mu = self.fc_mu(hidden)
        logvar = self.fc_logvar(hidden)
        std = logvar.mul(0.5).exp_()
        eps = std.new_empty(std.size()).normal_()
        z = eps.mul(std).add_(mu)
        return Result(self.decoder(z), mu, logvar)


def criterion(reconstruction: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    mse = F.mse_loss(reconstruction, x)
    KLD_element = mu.pow(2).add_(logvar.exp()).mul_(-1).add_(1).add_(logvar)
    KLD = torch.sum(KLD_element).mul_(-0.5)
    return mse + KLD
