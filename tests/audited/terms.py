"""Models whose terms are reduced, signed or formed wrongly, and some that only look so."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from .base import Layers, Table, kl_each, kl_of, part, sample

TABLE = Table()


def with_classifier() -> Layers:
    model = Layers()
    model.extra["classifier"] = nn.Linear(model.latent, 2)
    return model


def with_prior() -> Layers:
    model = Layers()
    model.extra["prior"] = nn.Linear(model.latent, 2, bias=False)
    return model


# --- loss-scale: a note, wherever there is a sum of the two -------------------------------


@TABLE.wrong("loss-scale")
def sums(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.wrong("loss-scale")
def means_of_everything(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x) + torch.mean(kl_each(mu, logvar))


@TABLE.right("loss-scale")
def importance_weighted(model: Layers, x: Tensor) -> Tensor:
    """One number holds both terms: it has a weight of the KL, and no KL of a known form."""
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    eps = torch.randn(7, *mu.shape)
    z = mu + std * eps
    log_q = Normal(mu, std).log_prob(z).sum(-1)
    log_prior = Normal(torch.zeros_like(mu), torch.ones_like(mu)).log_prob(z).sum(-1)
    log_likelihood = Normal(model.decoder(z), 1.0).log_prob(x).sum(-1)
    weights = log_likelihood + log_prior - log_q
    return -torch.logsumexp(weights, dim=0).mean()


@TABLE.wrong("loss-scale")
def monte_carlo_kl(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    z = q.rsample()
    prior = Normal(torch.zeros_like(mu), torch.ones_like(mu))
    kl = (q.log_prob(z) - prior.log_prob(z)).sum(1)
    error = ((model.decoder(z) - x) ** 2).sum(1)
    return (error + kl).mean()


# --- loss-scale-mismatch ------------------------------------------------------------------


@TABLE.right("loss-scale-mismatch")
def both_averaged_over_the_batch(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.mse_loss(recon, x, reduction="sum") / x.size(0)
    kl = torch.mean(torch.sum(kl_each(mu, logvar), dim=1))
    return error + kl


@TABLE.right("loss-scale-mismatch")
def a_small_weight_makes_up(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x) + 0.16 * kl_each(mu, logvar).sum(1).mean()


@TABLE.right("loss-scale-mismatch")
def one_loss_a_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = F.mse_loss(recon, x, reduction="none").sum(dim=1)
    kl = kl_each(mu, logvar).sum(dim=1)
    return (error + kl).mean()


@TABLE.right("loss-scale-mismatch")
def several_samples_averaged(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn(4, *mu.shape)
    z = mu + torch.exp(0.5 * logvar) * eps
    error = ((model.decoder(z) - x) ** 2).sum(-1).mean(0)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@TABLE.right("loss-scale-mismatch")
def half_squared_error(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return 0.5 * ((recon - x) ** 2).sum() + 4 * kl_of(mu, logvar)


# --- kl-sign ------------------------------------------------------------------------------


@TABLE.right("kl-sign")
def elbo_maximized(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    minus_kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    elbo = -F.mse_loss(recon, x, reduction="sum") + minus_kl
    return -elbo


@TABLE.right("kl-sign")
def weight_still_zero(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    beta = 0.0
    return F.mse_loss(recon, x, reduction="sum") + beta * kl_of(mu, logvar)


@TABLE.right("kl-sign")
def capacity(model: Layers, x: Tensor) -> Tensor:
    """Burgess et al. 2018: the KL is held at a capacity, from above and from below."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kl = kl_each(mu, logvar).sum(1).mean()
    return F.mse_loss(recon, x, reduction="sum") / x.size(0) + 10 * (kl - 25.0).abs()


@TABLE.right("kl-sign", make=with_classifier)
def classifier_on_the_mean(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    labels = torch.arange(len(x)) % 2
    guess = F.cross_entropy(part(model, "classifier")(mu), labels)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + guess


def mmd(z: Tensor) -> Tensor:
    """How far z is from samples of the prior: the maximum mean discrepancy, a Gaussian kernel."""
    prior = torch.randn_like(z)

    def alike(one: Tensor, other: Tensor) -> Tensor:
        return torch.exp(-((one[:, None] - other[None]) ** 2).mean(2) / z.size(1)).mean()

    return alike(z, z) + alike(prior, prior) - 2 * alike(z, prior)


@TABLE.right("kl-sign")
def distance_of_samples(model: Layers, x: Tensor) -> Tensor:
    """Tolstikhin et al. 2018: z is held near the prior by samples of both."""
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + 10 * mmd(z)


@TABLE.right("noise")
def samples_of_the_prior_beside_a_latent_without_noise(model: Layers, x: Tensor) -> Tensor:
    """The same of an encoder that draws nothing, with all pairs as code of the paper makes them."""
    mu, gate = model.encode(x)
    z = mu * torch.sigmoid(gate)
    prior, n = torch.randn_like(z), z.size(1)

    def alike(one: Tensor, other: Tensor) -> Tensor:
        shape = (len(one), len(other), n)
        apart = one.unsqueeze(1).expand(shape) - other.unsqueeze(0).expand(shape)
        return torch.exp(-apart.pow(2).mean(2) / n).mean()

    distance = alike(z, z) + alike(prior, prior) - 2 * alike(prior, z)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + 10 * distance


@TABLE.right("target")
def apart_from_other_rows(model: Layers, x: Tensor) -> Tensor:
    """A hinge that holds each reconstruction nearer to its own row than to another."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    own, other = ((recon - each).abs().sum(1) for each in (x, x.roll(1, 0)))
    error = F.l1_loss(recon, x, reduction="sum")
    return error + F.relu(1 + own - other).sum() + kl_of(mu, logvar)


@TABLE.wrong("kl-sign")
def distance_of_samples_taken_away(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    return F.mse_loss(model.decoder(z), x, reduction="sum") - 10 * mmd(z)


# --- kl-form ------------------------------------------------------------------------------


@TABLE.wrong("kl-form")
def half_missing_beside_a_squared_error(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kld = -torch.sum(1 + logvar - mu.pow(2) - logvar.exp()) / x.size(0)
    return F.mse_loss(recon, x, reduction="sum") / x.size(0) + kld


@TABLE.right("kl-form")
def halves_left_out_by_weight(model: Layers, x: Tensor) -> Tensor:
    """β-VAE with β = 2: twice the closed form, by a factor that is there."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return F.mse_loss(recon, x, reduction="sum") + 2 * kld


@TABLE.right("kl-form")
def free_bits(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    per_latent = kl_each(mu, logvar).mean(dim=0)
    kl = torch.clamp(per_latent, min=0.25).sum()
    return F.mse_loss(recon, x, reduction="sum") / x.size(0) + kl


@TABLE.right("kl-form")
def wide_fixed_prior(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), 2 * torch.ones_like(mu))).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("kl-form")
def log_sigma_throughout(model: Layers, x: Tensor) -> Tensor:
    """What the head gives is log σ, and all of the model takes it so."""
    mu, log_sigma = model.encode(x)
    z = mu + log_sigma.exp() * torch.randn_like(mu)
    kl = torch.sum(0.5 * (mu**2 + torch.exp(2 * log_sigma) - 1) - log_sigma)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("kl-form")
def penalty_on_the_covariance_too(model: Layers, x: Tensor) -> Tensor:
    """DIP-VAE: a second term on the means, beside the KL."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    centred = mu - mu.mean(0)
    covariance = centred.T @ centred / len(x)
    dip = 5 * ((covariance - torch.eye(model.latent)) ** 2).sum()
    kl = kl_of(mu, logvar)
    return F.mse_loss(recon, x, reduction="sum") + kl + dip


@TABLE.right("kl-form")
def wide_fixed_prior_in_tensors(model: Layers, x: Tensor) -> Tensor:
    """Its weights are those of a log σ² that counts twice, its constant is that of no slip."""
    mu, logvar = model.encode(x)
    mean, variance = torch.zeros(model.latent), torch.full((model.latent,), 2.0)
    divided = logvar.exp() / variance + (mu - mean) ** 2 / variance
    kl = 0.5 * ((divided + variance.log() - logvar).sum(1) - model.latent)
    recon = model.decoder(sample(mu, logvar))
    return (((recon - x) ** 2).sum(1) + kl).mean()


def kl_from_a_wide_prior(mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the KL but for its constants, of which nothing is learned."""
    return 0.5 * ((mu**2 + logvar.exp()) / 3 - logvar).sum()


@TABLE.right("kl-form")
def shares_of_topics(model: Layers, x: Tensor) -> Tensor:
    """A softmax of the sample: it cannot be undone, and so is no flow without its determinant."""
    mu, logvar = model.encode(x)
    shares = torch.softmax(sample(mu, logvar), dim=1)
    error = F.mse_loss(model.decoder(shares), x, reduction="sum")
    return error + kl_from_a_wide_prior(mu, logvar)


@TABLE.right("kl-form")
def layer_as_wide_as_the_sample(model: Layers, x: Tensor) -> Tensor:
    """A decoder's layer could be a flow, were the prior one of what it makes."""
    mu, logvar = model.encode(x)
    recon = model.decoder(1.5 * torch.tanh(sample(mu, logvar)))
    return F.mse_loss(recon, x, reduction="sum") + kl_from_a_wide_prior(mu, logvar)


@TABLE.right("kl-form", make=with_prior)
def learned_prior(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    recon = model.decoder(q.rsample())
    prior = Normal(part(model, "prior").weight[0], F.softplus(part(model, "prior").weight[1]))
    return F.mse_loss(recon, x, reduction="sum") + kl_divergence(q, prior).sum()


# --- kl-at-prior --------------------------------------------------------------------------


@TABLE.wrong("kl-at-prior")
def deviation_held_at_a_tenth(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    std = torch.exp(0.5 * logvar)
    kl = (mu.abs() + (std - 0.3).abs()).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("kl-at-prior")
def wasserstein_distance(model: Layers, x: Tensor) -> Tensor:
    """Another distance from the prior, least there too."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    distance = (mu**2 + (torch.exp(0.5 * logvar) - 1) ** 2).sum()
    return F.mse_loss(recon, x, reduction="sum") + distance


@TABLE.right("loss-scale-mismatch")
def two_samples_of_each_row(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    errors = [F.mse_loss(model.decoder(sample(mu, logvar)), x, reduction="sum") for _ in range(2)]
    return 0.5 * (errors[0] + errors[1]) + kl_of(mu, logvar)


@TABLE.right("loss-scale-mismatch")
def deviation_by_the_batch(model: Layers, x: Tensor) -> Tensor:
    """The decoder's deviation is the root mean square of this batch's errors."""
    mu, logvar = model.encode(x)
    error = model.decoder(sample(mu, logvar)) - x
    log_sigma = (error**2).mean().sqrt().log()
    return (0.5 * (error / log_sigma.exp()) ** 2 + log_sigma).sum() + kl_of(mu, logvar)


# --- reconstruction-sign ------------------------------------------------------------------


@TABLE.right("kl-at-prior")
def two_bumps_for_a_prior(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    z = q.rsample()
    bumps = torch.stack([Normal(c, 1.0).log_prob(z).sum(1) for c in (-1.0, 1.0)], dim=1)
    kl = q.log_prob(z).sum(1) - torch.logsumexp(bumps, dim=1)
    return (((model.decoder(z) - x) ** 2).sum(1) + kl).mean()
