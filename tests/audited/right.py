"""Models that are right in ways that rules may trip over: none of them may alarm anyone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from .base import Layers, Table, kl_each, kl_of, part, sample

TABLE = Table()


@TABLE.right("kl-form")
def latents_of_several_weights(model: Layers, x: Tensor) -> Tensor:
    """Twice the closed form on average, but by weights that are meant."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = (torch.tensor([1.0, 2.0, 3.0]) * kl_each(mu, logvar)).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("kl-sign")
def penalty_and_entropy(model: Layers, x: Tensor) -> Tensor:
    """A regularised autoencoder with noise: no KL, and wider is cheaper at first."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + 0.1 * mu.pow(2).sum() - 0.05 * logvar.sum()


@TABLE.right("kl-form")
def both_directions(model: Layers, x: Tensor) -> Tensor:
    """Jeffreys' divergence."""
    mu, logvar = model.encode(x)
    q, p = Normal(mu, torch.exp(0.5 * logvar)), Normal(0.0, 1.0)
    recon = model.decoder(q.rsample())
    both = 0.5 * (kl_divergence(q, p) + kl_divergence(p, q)).sum()
    return F.mse_loss(recon, x, reduction="sum") + both


@TABLE.right("loss-scale")
def both_summed_and_divided_by_the_batch(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.mse_loss(recon, x, reduction="sum") / 2
    return (error + kl_each(mu, logvar).sum()) / len(x)


@TABLE.right("loss-scale")
def row_by_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    loss = torch.zeros(())
    for i in range(len(x)):
        recon = model.decoder(sample(mu[i], logvar[i]))
        loss = loss + F.mse_loss(recon, x[i], reduction="sum") + kl_of(mu[i], logvar[i])
    return loss


def with_clusters() -> Layers:
    model = Layers()
    model.extra["centres"] = nn.Linear(model.latent, 2, bias=False)
    nn.init.zeros_(part(model, "centres").weight)  # as one begins before they are fitted
    return model


@TABLE.right("kl-form", make=with_clusters)
def second_sample_that_is_not_decoded(model: Layers, x: Tensor) -> Tensor:
    """A prior of clusters: another sample only says how much each row belongs to which."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    z = sample(mu, logvar)
    logs, squares = [], []
    for centre in part(model, "centres").weight:
        logs.append(-0.5 * (z - centre).pow(2).sum(1))
        squares.append((logvar.exp() + (mu - centre).pow(2)).sum(1))
    share = torch.softmax(torch.stack(logs, 1), 1)
    kl = 0.5 * (share * torch.stack(squares, 1)).sum(1) + (share * torch.log(2 * share)).sum(1)
    return F.mse_loss(recon, x, reduction="sum") + (kl - 0.5 * (1 + logvar).sum(1)).sum()
