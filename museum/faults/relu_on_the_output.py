"""Some pixels stay black whatever happens.

The decoder ends in a ReLU, which passes nothing back where it is off.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "output-range"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.relu(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = F.softplus(model.decoder(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
