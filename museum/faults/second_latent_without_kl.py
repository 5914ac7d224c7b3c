"""The second level of the ladder stores the whole image.

Two levels are sampled and one KL is in the loss.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, part, sample

EXPECTED = "latent-without-kl"


def ladder() -> Layers:
    model = Layers()
    model.extra["up"] = nn.Linear(3, 4)
    model.extra["out"] = nn.Linear(2, 6)
    del model.decoder
    return model


def make() -> Layers:
    return ladder()


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + kl_of(mean, spread)
