"""Every run gives other reconstructions, trained or not.

A layer is made inside of forward, new at each step.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, sample

EXPECTED = "nothing-learns"
ALSO = ("no-gradient",)


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    decoder = nn.Linear(3, 6)
    return F.mse_loss(decoder(sample(mu, logvar)), x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)
