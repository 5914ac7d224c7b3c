"""Faults that `sampling-scale` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal

from ..base import Layers, error_of, kl_of
from ..cases import fault


@fault("sampling-scale")
def half_outside_of_the_exponential(model: Layers, x: Tensor) -> Tensor:
    """The noise is half of what it should be at the prior.

    0.5 · exp(log σ²) stands for exp(0.5 · log σ²).
    """
    """exp(½·logvar) with the half outside of the exponential."""
    mu, logvar = model.encode(x)
    z = mu + torch.randn(mu.shape) * (0.5 * torch.exp(logvar))
    return error_of(model, z, x) + kl_of(mu, logvar)


@fault("sampling-scale")
def log_variance_as_deviation(model: Layers, x: Tensor) -> Tensor:
    """The latents have the wrong spread from the first step.

    The noise is scaled by log σ² itself.
    """
    mu, logvar = model.encode(x)
    eps = torch.randn_like(logvar)
    z = eps.mul(logvar).add_(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@log_variance_as_deviation.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn_like(logvar)
    z = eps.mul(torch.exp(0.5 * logvar)).add_(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("sampling-scale")
def noise_of_a_hundredth(model: Layers, x: Tensor) -> Tensor:
    """Reconstructions are sharp; what is sampled from the prior is noise.

    The noise is scaled down by a hundred, and the KL does not know of it.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) * 0.01
    return error_of(model, z, x) + kl_of(mu, logvar)


@fault("sampling-scale")
def normal_of_a_variance(model: Layers, x: Tensor) -> Tensor:
    """The model trains, and its samples are too sharp or too wide.

    torch.distributions.Normal takes a deviation and was given a variance.
    """
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = Normal(mu, variance).rsample()
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - variance.log())
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@normal_of_a_variance.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = Normal(mu, variance.sqrt()).rsample()
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - variance.log())
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@fault("sampling-scale")
def variance_as_deviation(model: Layers, x: Tensor) -> Tensor:
    """Samples are noisier than the KL allows for.

    The noise is scaled by exp(log σ²), which is the variance.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.exp(logvar) * torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("sampling-scale")
def softplus_beside_a_log_variance(model: Layers, x: Tensor) -> Tensor:
    """The latents are wider than their KL says.

    z has softplus of the head for its deviation, and the KL takes the head for the log-variance.
    """
    mu, raw = model.encode(x)
    z = mu + F.softplus(raw) * torch.randn_like(raw)
    return error_of(model, z, x) + kl_of(mu, raw)


@softplus_beside_a_log_variance.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    std = F.softplus(raw)
    z = mu + std * torch.randn_like(raw)
    return error_of(model, z, x) + kl_of(mu, 2 * torch.log(std))
