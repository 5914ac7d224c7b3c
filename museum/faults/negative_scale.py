"""Faults that `negative-scale` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers
from ..cases import fault


def positive_so_far() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias.fill_(3.0)
    return model


@fault("negative-scale", make=positive_so_far)
def deviation_from_a_bare_layer(model: Layers, x: Tensor) -> Tensor:
    """The loss is NaN after some hundred steps.

    The deviation comes from a layer that nothing keeps above zero, and its logarithm is taken.
    """
    mu, sigma = model.encode(x)
    z = mu + sigma * torch.randn_like(sigma)
    kl = torch.sum(0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@deviation_from_a_bare_layer.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    z = mu + sigma * torch.randn_like(sigma)
    kl = torch.sum(0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@fault("negative-scale", make=positive_so_far)
def root_of_a_bare_layer(model: Layers, x: Tensor) -> Tensor:
    """sqrt gives NaN now and then.

    The variance comes from a layer that nothing keeps above zero, and its root is taken.
    """
    mu, variance = model.encode(x)
    z = mu + torch.sqrt(variance) * torch.randn_like(mu)
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@root_of_a_bare_layer.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw)
    z = mu + torch.sqrt(variance) * torch.randn_like(mu)
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
