"""The model trains, and its samples are too sharp or too wide.

torch.distributions.Normal takes a deviation and was given a variance.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from ..base import Layers

EXPECTED = "sampling-scale"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = Normal(mu, variance).rsample()
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - variance.log())
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = Normal(mu, variance.sqrt()).rsample()
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - variance.log())
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
