"""Faults of a KL whose prior is a network's, as of a conditional or a recurrent VAE."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers, error_of, part, with_
from ..cases import fault


def with_prior() -> Layers:
    return with_(prior=(2, 6))


def moments(model: Layers, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return mean and deviation of the posterior, and of the prior of each row's class."""
    mu, raw = model.encode(x)
    label = F.one_hot(torch.arange(len(x)) % 2, 2).float()
    prior_mu, prior_raw = part(model, "prior")(label).chunk(2, dim=1)
    return mu, F.softplus(raw), prior_mu, F.softplus(prior_raw)


def loss_of(model: Layers, x: Tensor, kl: Tensor, mu: Tensor, std: Tensor) -> Tensor:
    return error_of(model, mu + std * torch.randn_like(std), x) + kl


def usual_with_prior(model: Layers, x: Tensor) -> Tensor:
    mu, std, prior_mu, prior_std = moments(model, x)
    quotient = (std**2 + (mu - prior_mu) ** 2) / prior_std**2
    kl = 0.5 * torch.sum(2 * prior_std.log() - 2 * std.log() + quotient - 1)
    return loss_of(model, x, kl, mu, std)


@fault("kl-form", make=with_prior)
def prior_deviation_not_squared(model: Layers, x: Tensor) -> Tensor:
    """The prior's samples are too narrow.

    The KL divides by the prior's deviation in place of its variance.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    quotient = (std**2 + (mu - prior_mu) ** 2) / prior_std
    kl = 0.5 * torch.sum(2 * prior_std.log() - 2 * std.log() + quotient - 1)
    return loss_of(model, x, kl, mu, std)


prior_deviation_not_squared.twin(usual_with_prior)


@fault("kl-form", make=with_prior)
def deviation_of_the_sample_not_squared(model: Layers, x: Tensor) -> Tensor:
    """Speech from the prior is noisy, from the posterior it is clean.

    The KL by the sample has exp(-log s) where exp(-2·log s) belongs.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    z = mu + std * torch.randn_like(std)
    away = 0.5 * (z - prior_mu) ** 2 * torch.exp(-prior_std.log())
    kl = (prior_std.log() - std.log() - 0.5 + away).sum()
    return error_of(model, z, x) + kl


@deviation_of_the_sample_not_squared.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, std, prior_mu, prior_std = moments(model, x)
    z = mu + std * torch.randn_like(std)
    away = 0.5 * (z - prior_mu) ** 2 * torch.exp(-2 * prior_std.log())
    kl = (prior_std.log() - std.log() - 0.5 + away).sum()
    return error_of(model, z, x) + kl


@fault("kl-form", make=with_prior)
def variance_not_divided_by_the_prior(model: Layers, x: Tensor) -> Tensor:
    """The prior becomes as wide as it can.

    Only the distance of the means is divided by the prior's variance.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    away = (mu - prior_mu) ** 2 / prior_std**2
    kl = 0.5 * torch.sum(2 * prior_std.log() - 2 * std.log() + std**2 + away - 1)
    return loss_of(model, x, kl, mu, std)


variance_not_divided_by_the_prior.twin(usual_with_prior)


@fault("kl-form", make=with_prior)
def prior_first(model: Layers, x: Tensor) -> Tensor:
    """Samples from the prior miss half of what the data has.

    kl_divergence is given the prior first.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    kl = kl_divergence(Normal(prior_mu, prior_std), Normal(mu, std)).sum()
    return loss_of(model, x, kl, mu, std)


prior_first.twin(usual_with_prior)


@fault("kl-form")
def standard_normal_first(model: Layers, x: Tensor) -> Tensor:
    """The KL explodes as soon as the reconstruction gets sharp.

    kl_divergence is given N(0, 1) first.
    """
    mu, raw = model.encode(x)
    std = F.softplus(raw)
    kl = kl_divergence(Normal(torch.zeros_like(mu), torch.ones_like(std)), Normal(mu, std)).sum()
    return loss_of(model, x, kl, mu, std)


@standard_normal_first.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    std = F.softplus(raw)
    kl = kl_divergence(Normal(mu, std), Normal(torch.zeros_like(mu), torch.ones_like(std))).sum()
    return loss_of(model, x, kl, mu, std)


@fault("kl-sign", make=with_prior)
def kl_from_a_learned_prior_subtracted(model: Layers, x: Tensor) -> Tensor:
    """The loss falls without end, and prior and posterior have nothing in common.

    The KL is taken away from the error.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    kl = kl_divergence(Normal(mu, std), Normal(prior_mu, prior_std)).sum()
    return loss_of(model, x, -kl, mu, std)


kl_from_a_learned_prior_subtracted.twin(usual_with_prior)


def balanced(model: Layers, x: Tensor, detached: bool) -> Tensor:
    mu, std, prior_mu, prior_std = moments(model, x)
    fixed = Normal(mu.detach(), std.detach())
    to_prior = kl_divergence(fixed, Normal(prior_mu, prior_std))
    q = fixed if detached else Normal(mu, std)
    to_posterior = kl_divergence(q, Normal(prior_mu.detach(), prior_std.detach()))
    return loss_of(model, x, (0.8 * to_prior + 0.2 * to_posterior).sum(), mu, std)


@fault("latent-without-kl", make=with_prior)
def posterior_detached_in_both_halves(model: Layers, x: Tensor) -> Tensor:
    """The prior follows, and the posterior goes wherever it likes.

    Of a balanced KL both halves have the posterior detached, so that only the prior learns.
    """
    return balanced(model, x, detached=True)


@posterior_detached_in_both_halves.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return balanced(model, x, detached=False)


@fault("loss-scale-mismatch", make=with_prior)
def kl_of_the_batch_beside_a_mean(model: Layers, x: Tensor) -> Tensor:
    """A conditional VAE whose samples do not differ, with large batches above all.

    The KL from the learned prior is summed over the batch, the error is a mean.
    """
    mu, std, prior_mu, prior_std = moments(model, x)
    kl = kl_divergence(Normal(mu, std), Normal(prior_mu, prior_std)).sum()
    return F.mse_loss(model.decoder(mu + std * torch.randn_like(std)), x) + kl


kl_of_the_batch_beside_a_mean.twin(usual_with_prior)
