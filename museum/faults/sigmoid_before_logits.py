"""Reconstructions are grey and never get black or white.

A sigmoid stands before a loss that applies its own.
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
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="sum")
    return bce + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)
