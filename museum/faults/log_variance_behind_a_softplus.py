"""The latents stay noisy to the end.

A softplus on log σ² keeps every deviation above one.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "head-range"


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    return elbo(model, x, mu, F.softplus(raw))


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)
