"""The same code works on small images and collapses on large ones.

The error is divided by batch and pixels by hand, the KL by the batch alone.
"""

from __future__ import annotations

from torch import Tensor

from ..base import Layers, kl_each, sample

EXPECTED = "loss-scale-mismatch"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum() / (x.shape[0] * x.shape[1])
    return error + kl_each(mu, logvar).sum(1).mean()


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum() / x.shape[0]
    return error + kl_each(mu, logvar).sum(1).mean()
