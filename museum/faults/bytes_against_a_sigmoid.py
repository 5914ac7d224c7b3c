"""The loss stays at tens of thousands.

The target still has 0 to 255, the output 0 to 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, rows, sample

EXPECTED = "output-range"


def batch() -> Tensor:
    return rows(scale=255.0).round()


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x / 255)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    target = x / 255
    mu, logvar = model.encode(target)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)
