"""The classes of a row do not sum to one.

The softmax of the output goes over the rows of the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "row-mixing"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.softmax(model.decoder(sample(mu, logvar)), dim=0)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.softmax(model.decoder(sample(mu, logvar)), dim=-1)
    return F.mse_loss(recon, x / x.sum(1, keepdim=True), reduction="sum") + kl_of(mu, logvar)
