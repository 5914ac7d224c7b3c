"""Faults that `kl-at-prior` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, sample
from ..cases import fault


@fault("kl-at-prior")
def kl_made_up(model: Layers, x: Tensor) -> Tensor:
    """What is sampled from N(0, 1) looks like nothing.

    A penalty of one's own in place of the KL is least at another mean and deviation.
    """
    mu, logvar = model.encode(x)
    kl = ((mu - 1) ** 2 + torch.abs(logvar.exp() - 2) + 0.1 * mu * logvar).sum()
    return error_of(model, sample(mu, logvar), x) + kl


@fault("kl-at-prior")
def square_of_the_logarithm(model: Layers, x: Tensor) -> Tensor:
    """The deviations go to a fifth of the prior's and stay there.

    The KL has the square of log σ where the logarithm of σ² belongs.
    """
    mu, log_sigma = model.encode(x)
    z = mu + log_sigma.exp() * torch.randn_like(mu)
    kl = 0.5 * torch.sum(torch.exp(2 * log_sigma) + mu**2 - 1 - log_sigma**2)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@square_of_the_logarithm.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, log_sigma = model.encode(x)
    z = mu + log_sigma.exp() * torch.randn_like(mu)
    kl = 0.5 * torch.sum(torch.exp(2 * log_sigma) + mu**2 - 1 - 2 * log_sigma)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
