"""Decoder with a deviation."""

from __future__ import annotations

from torch import Tensor

from ..base import Layers, kl_each, part, sample, with_


def make() -> Layers:
    return with_(spread=(3, 6))


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    log_variance = part(model, "spread")(z)
    error = 0.5 * (log_variance + (x - model.decoder(z)) ** 2 / log_variance.exp()).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()
