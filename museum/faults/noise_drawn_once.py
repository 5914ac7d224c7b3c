"""Reconstruction is perfect for the first batch's rows and bad for all others.

The noise is drawn when the model is made, and used in every run.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of

EXPECTED = "noise"


class Kept(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.eps = torch.randn(5, self.latent)


def make() -> Layers:
    return Kept()


def faulty(model: Kept, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * model.eps
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


def right(model: Kept, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn_like(model.eps)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)
