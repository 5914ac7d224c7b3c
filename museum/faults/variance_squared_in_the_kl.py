"""The KL is far above what the posteriors deserve.

The exponential of log σ² is squared, as if it were σ.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "kl-form"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = 0.5 * torch.sum(logvar.exp() ** 2 + mu**2 - 1 - logvar)
    return F.mse_loss(recon, x, reduction="sum") + kl


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
