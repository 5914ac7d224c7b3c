"""All reconstructions look alike: the average of the data.

The error is averaged over batch and pixels, the KL is summed over batch and latents.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "loss-scale-mismatch"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    mse = F.mse_loss(recon, x)
    kld = kl_of(mu, logvar)
    return mse + kld


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
