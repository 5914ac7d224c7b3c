"""Pixels become black or white, whatever the image is.

The cross-entropy by hand has the prediction where the target belongs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "target"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return -(p * torch.log(p) + (1 - p) * torch.log(1 - p)).sum() + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum() + kl_of(mu, logvar)
