"""The noise changes nothing at all.

z is sampled into a variable that the next line writes over.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "unused-sample"


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = torch.addcmul(mu, torch.exp(0.5 * logvar), torch.randn_like(mu))
    z = mu * 1.0
    return error_of(model, z, x) + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
