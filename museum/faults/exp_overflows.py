"""NaN at the first step of a pretrained model.

A log-variance of hundreds goes through exp.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "not-finite"


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def overflowing() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias[0] = 200.0
    return model


def make() -> Layers:
    return overflowing()


def make_right() -> Layers:
    return Layers()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
