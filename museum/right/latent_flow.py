"""A planar flow behind the sample; log-probabilities in place of a closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, part, sample, with_


def make() -> Layers:
    return with_(flow=(3, 2))


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "flow").weight
    inner = torch.tanh(z0 @ w + part(model, "flow").bias[0])
    z = z0 + u * inner.unsqueeze(1)
    log_det = torch.log((1 + (1 - inner**2) * (u @ w)).abs() + 1e-8)
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1) - log_det
    log_p = (-0.5 * z**2).sum(1)
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + log_q - log_p).mean()
