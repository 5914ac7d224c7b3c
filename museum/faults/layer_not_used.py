"""A layer's weights are those that it was made with.

The layer is defined and never called.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, sample

EXPECTED = "no-gradient"


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def with_unused() -> Layers:
    model = Layers()
    model.extra["unused"] = nn.Linear(3, 3)
    return model


def make() -> Layers:
    return with_unused()


def make_right() -> Layers:
    return Layers()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
