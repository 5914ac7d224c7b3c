"""Faults that `reconstruction-sign` names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import Normal

from ..base import Layers, error_of, kl_of, part, sample, with_
from ..cases import fault


@fault("reconstruction-sign")
def error_rewarded(model: Layers, x: Tensor) -> Tensor:
    """The output runs away from the input.

    The reconstruction error has a minus before it.
    """
    mu, logvar = model.encode(x)
    return -error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def losses(model: Layers, x: Tensor) -> Tensor:
    """Return what each of seven draws of a row costs, -log p(x, z)/q(z)."""
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    eps = torch.randn(7, *mu.shape)
    z = mu + std * eps
    error = ((model.decoder(z) - x) ** 2).sum(-1)
    return error + (0.5 * z**2 - 0.5 * eps**2 - std.log()).sum(-1)


@fault("reconstruction-sign")
def importance_weights_upside_down(model: Layers, x: Tensor) -> Tensor:
    """The bound by importance weights gets worse with more draws.

    The logsumexp is taken of each draw's loss, and not of minus its loss: the worst draw
    counts most.
    """
    return torch.logsumexp(losses(model, x), dim=0).mean()


@importance_weights_upside_down.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return -torch.logsumexp(-losses(model, x), dim=0).mean()


@fault("reconstruction-sign")
def likelihood_minimized(model: Layers, x: Tensor) -> Tensor:
    """The log-likelihood is at minus ten thousand and sinking.

    The log-likelihood itself is minimized, not its negative.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return Normal(recon, 1.0).log_prob(x).sum() + kl_of(mu, logvar)


@likelihood_minimized.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return -Normal(recon, 1.0).log_prob(x).sum() + kl_of(mu, logvar)


@fault("reconstruction-sign")
def softmax_of_losses_as_weights(model: Layers, x: Tensor) -> Tensor:
    """With importance weights the samples are worse than without.

    Each draw is weighed by a softmax of its loss, which is largest for the worst.
    """
    cost = losses(model, x)
    return (torch.softmax(cost, dim=0).detach() * cost).sum(0).mean()


@softmax_of_losses_as_weights.twin
def _(model: Layers, x: Tensor) -> Tensor:
    cost = losses(model, x)
    return (torch.softmax(-cost, dim=0).detach() * cost).sum(0).mean()


def with_deviation() -> Layers:
    return with_(log_std=(3, 6))


def likelihood(model: Layers, x: Tensor, logs: float) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    log_std = part(model, "log_std")(z)
    error = 0.5 * ((model.decoder(z) - x) / log_std.exp()) ** 2
    return (error + logs * log_std).sum() + kl_of(mu, logvar)


@fault("reconstruction-sign", make=with_deviation)
def error_over_a_learned_deviation_alone(model: Layers, x: Tensor) -> Tensor:
    """The error goes to zero while the images stay grey.

    It is divided by a learned variance, whose logarithm is not in the loss.
    """
    return likelihood(model, x, logs=0.0)


@error_over_a_learned_deviation_alone.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return likelihood(model, x, logs=1.0)
