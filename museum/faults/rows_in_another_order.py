"""The output is the average of the data, whatever is fed in.

The targets are shuffled, and the inputs are not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "target"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    target = x[torch.arange(len(x)).roll(1)]
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    shuffled = x[torch.arange(len(x)).roll(1)]
    mu, logvar = model.encode(shuffled)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, shuffled, reduction="sum") + kl_of(mu, logvar)
