"""Integer target."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    target = (x > 0.5).float()
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    return bce + kl_of(mu, logvar)
