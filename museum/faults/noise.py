"""Faults that `noise` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_of
from ..cases import fault


class Kept(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.eps = torch.randn(5, self.latent)


@fault("noise", make=Kept)
def noise_drawn_once(model: Kept, x: Tensor) -> Tensor:
    """Reconstruction is perfect for the first batch's rows and bad for all others.

    The noise is drawn when the model is made, and used in every run.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * model.eps
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@noise_drawn_once.twin
def _(model: Kept, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn_like(model.eps)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise")
def one_noise_for_all_latents(model: Layers, x: Tensor) -> Tensor:
    """All latents of a row move together, as if there were one.

    The noise is drawn with one number a row, and broadcast over the latents.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(len(x), 1)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@one_noise_for_all_latents.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(len(x), mu.shape[1])
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise")
def one_noise_for_all_rows(model: Layers, x: Tensor) -> Tensor:
    """All rows of a batch shift the same way.

    One ε is drawn for the whole batch, and broadcast.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(1, mu.shape[1])
    return error_of(model, z, x) + kl_of(mu, logvar)


@one_noise_for_all_rows.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.randn(mu.shape)
    return error_of(model, z, x) + kl_of(mu, logvar)


@fault("noise", x=lambda: torch.rand(40, 6, generator=torch.Generator().manual_seed(2)))
def uniform_noise(model: Layers, x: Tensor) -> Tensor:
    """The latents are shifted by a half of the deviation.

    rand_like draws from 0 to 1; randn_like was meant.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * torch.rand_like(mu)
    return error_of(model, z, x) + kl_of(mu, logvar)


@fault("noise")
def noise_around_one(model: Layers, x: Tensor) -> Tensor:
    """Samples of the prior look unlike all reconstructions.

    A number is added to the noise, so that z does not lie around its mean.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(0.5 * logvar) * (torch.randn_like(mu) + 1.0)
    return error_of(model, z, x) + kl_of(mu, logvar)
