"""The loss does not go down, and at times is infinite.

Target and prediction of the cross-entropy stand in each other's place.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "output-range"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(x, recon, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return F.binary_cross_entropy(recon, x, reduction="sum") + kl_of(mu, logvar)
