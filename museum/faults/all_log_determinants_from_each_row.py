"""With a flow behind the posterior the loss is far below what it can be.

The log-determinants of all rows are summed and taken from each row.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base import Layers, part, sample

EXPECTED = "row-mixing"


def with_flow() -> Layers:
    model = Layers()
    model.extra["flow"] = nn.Linear(3, 2)
    return model


def flow(model: Layers, x: Tensor, whole: bool) -> Tensor:
    mu, logvar = model.encode(x)
    z0 = sample(mu, logvar)
    w, u = part(model, "flow").weight
    inner = torch.tanh(z0 @ w + part(model, "flow").bias[0])
    z = z0 + u * inner.unsqueeze(1)
    log_det = torch.log((1 + (1 - inner**2) * (u @ w)).abs() + 1e-8)
    taken = log_det.sum() if whole else log_det
    log_q = (-0.5 * ((z0 - mu) ** 2 / logvar.exp() + logvar)).sum(1) - taken
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + log_q + 0.5 * (z**2).sum(1)).mean()


def make() -> Layers:
    return with_flow()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return flow(model, x, whole=True)


def right(model: Layers, x: Tensor) -> Tensor:
    return flow(model, x, whole=False)
