"""Faults that `kl-form` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_of, sample
from ..cases import fault


@fault("kl-form")
def half_of_the_kl_missing(model: Layers, x: Tensor) -> Tensor:
    """Reconstructions are blurred, more than in the paper that was followed.

    The factor ½ is missing, so that the KL counts twice.
    """
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    kld = -torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.binary_cross_entropy(recon, x, reduction="sum") + kld


@half_of_the_kl_missing.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.binary_cross_entropy(recon, x, reduction="sum") + kld


@fault("kl-form")
def kl_arguments_swapped(model: Layers, x: Tensor) -> Tensor:
    """The means stay at zero and the deviations do not.

    The KL gets log σ² for the mean and the mean for log σ².
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(logvar, mu)


@fault("kl-form")
def kl_of_log_sigma(model: Layers, x: Tensor) -> Tensor:
    """The KL never comes near what the paper reports.

    The KL takes the head for log σ and squares it once more; the sample takes it for log σ².
    """
    mu, logvar = model.encode(x)
    kld = 0.5 * torch.sum(mu**2 + torch.exp(2 * logvar) - 1 - 2 * logvar)
    return error_of(model, sample(mu, logvar), x) + kld


@fault("kl-form")
def kl_of_sigma_for_its_square(model: Layers, x: Tensor) -> Tensor:
    """All posteriors end up wider than the prior.

    The KL has σ where σ² belongs.
    """
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - std)
    return error_of(model, sample(mu, logvar), x) + kld


@fault("kl-form", "head-range")
def kl_of_the_log_variance(model: Layers, x: Tensor) -> Tensor:
    """The KL is not zero where the posterior is the prior.

    The KL takes log σ² for σ² itself, and a softplus keeps it from going below zero.
    """
    mu, raw = model.encode(x)
    logvar = F.softplus(raw) + 0.1
    kld = 0.5 * torch.sum(mu**2 + logvar - 1 - torch.log(logvar))
    return error_of(model, sample(mu, logvar), x) + kld


@kl_of_the_log_variance.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw) + 1e-4
    z = mu + variance.sqrt() * torch.randn_like(mu)
    kld = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kld


@fault("kl-form")
def log_sigma_counted_once(model: Layers, x: Tensor) -> Tensor:
    """The posteriors end up at half the prior's variance.

    The KL has log σ where log σ² belongs, which is twice as much.
    """
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    kl = -0.5 * torch.sum(1 + torch.log(sigma) - mu**2 - sigma**2)
    return error_of(model, mu + sigma * torch.randn_like(sigma), x) + kl


@log_sigma_counted_once.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.softplus(raw)
    kl = -0.5 * torch.sum(1 + 2 * torch.log(sigma) - mu**2 - sigma**2)
    return error_of(model, mu + sigma * torch.randn_like(sigma), x) + kl


@fault("kl-form")
def variance_squared_in_the_kl(model: Layers, x: Tensor) -> Tensor:
    """The KL is far above what the posteriors deserve.

    The exponential of log σ² is squared, as if it were σ.
    """
    mu, logvar = model.encode(x)
    kl = 0.5 * torch.sum(logvar.exp() ** 2 + mu**2 - 1 - logvar)
    return error_of(model, sample(mu, logvar), x) + kl


@fault("kl-form")
def absolute_mean_in_the_kl(model: Layers, x: Tensor) -> Tensor:
    """Most means are exactly zero, and some are huge.

    The KL has |μ| where its square belongs.
    """
    mu, logvar = model.encode(x)
    kl = -0.5 * torch.sum(1 + logvar - mu.abs() - logvar.exp())
    return error_of(model, sample(mu, logvar), x) + kl


@fault("kl-form")
def square_of_the_summed_means(model: Layers, x: Tensor) -> Tensor:
    """The KL is small, and the means are large and of both signs.

    The means are added up before they are squared.
    """
    mu, logvar = model.encode(x)
    kl = -0.5 * torch.sum(1 + logvar.sum(1) - mu.sum(1) ** 2 - logvar.exp().sum(1))
    return error_of(model, sample(mu, logvar), x) + kl


@square_of_the_summed_means.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    kl = -0.5 * torch.sum(3 + logvar.sum(1) - (mu**2).sum(1) - logvar.exp().sum(1))
    return error_of(model, sample(mu, logvar), x) + kl
