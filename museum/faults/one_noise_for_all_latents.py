"""All latents of a row move together, as if there were one.

The noise is drawn with one number a row, and broadcast over the latents.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of

EXPECTED = "noise"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(len(x), 1)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(len(x), mu.shape[1])
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)
