"""The deviations go to a fifth of the prior's and stay there.

The KL has the square of log σ where the logarithm of σ² belongs.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers

EXPECTED = "kl-at-prior"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, log_sigma = model.encode(x)
    z = mu + log_sigma.exp() * torch.randn_like(mu)
    kl = 0.5 * torch.sum(torch.exp(2 * log_sigma) + mu**2 - 1 - log_sigma**2)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, log_sigma = model.encode(x)
    z = mu + log_sigma.exp() * torch.randn_like(mu)
    kl = 0.5 * torch.sum(torch.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
