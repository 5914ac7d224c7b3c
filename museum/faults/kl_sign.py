"""Faults that `kl-sign` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers, error_of, sample
from ..cases import fault


@fault("kl-sign")
def elbo_with_a_plus(model: Layers, x: Tensor) -> Tensor:
    """Samples of the posterior drift away from the prior, epoch by epoch.

    The KL is added to the likelihood, and the sum is maximized: the sign belongs to both.
    """
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    elbo = -((recon - x) ** 2).sum(1) + kl
    return -elbo.mean()


@elbo_with_a_plus.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
    elbo = -((recon - x) ** 2).sum(1) - kl
    return -elbo.mean()


@fault("kl-sign")
def kl_as_in_the_elbo(model: Layers, x: Tensor) -> Tensor:
    """The loss falls below zero and goes on falling.

    The KL is written as it stands in the ELBO, which is maximized, and added to a loss, which is
    minimized.
    """
    mu, logvar = model.encode(x)
    kld = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return error_of(model, sample(mu, logvar), x) + kld


@fault("kl-sign", "kl-form")
def one_sign_of_the_kl(model: Layers, x: Tensor) -> Tensor:
    """The deviation explodes although the loss goes down.

    One sign inside of the KL is wrong: the variance is rewarded.
    """
    mu, logvar = model.encode(x)
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) + logvar.exp())
    return error_of(model, sample(mu, logvar), x) + kld


def discrepancy(model: Layers, x: Tensor, sign: float) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    prior = torch.randn_like(z)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-((a[:, None] - b[None]) ** 2).mean(2)).mean()

    away = kernel(z, z) + kernel(prior, prior) - 2 * kernel(z, prior)
    return F.mse_loss(model.decoder(z), x) + sign * 10 * away


@fault("kl-sign")
def discrepancy_taken_away(model: Layers, x: Tensor) -> Tensor:
    """The latents lie nowhere near the prior.

    The maximum mean discrepancy from samples of the prior is taken away from the error.
    """
    return discrepancy(model, x, -1.0)


@discrepancy_taken_away.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return discrepancy(model, x, 1.0)
