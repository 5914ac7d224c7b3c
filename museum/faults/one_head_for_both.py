"""Mean and log-variance are always equal.

One layer gives both: the second was defined and is not called.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, sample

EXPECTED = "head-range"
ALSO = ("no-gradient",)


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def faulty(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_mu(h))


def right(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_raw(h))
