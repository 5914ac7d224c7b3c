"""The KL is large and the noise has no effect.

The log-variance head starts at -25, so that σ is a millionth.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "saturation"


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def narrow() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias.fill_(-25.0)
    return model


def make() -> Layers:
    return narrow()


def make_right() -> Layers:
    return Layers()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
