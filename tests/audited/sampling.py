"""Models that sample, or use their latents, wrongly, and some that only look so."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence

from .base import Layers, Table, kl_of, part, rows, sample

TABLE = Table()


def batch() -> Tensor:
    return rows(16)


def with_heads() -> Layers:
    model = Layers()
    model.extra["heads"] = nn.Linear(8, 2 * model.latent)
    del model.to_mu, model.to_raw
    return model


def frozen() -> Layers:
    model = Layers()
    for layer in (model.encoder, model.to_mu, model.to_raw):
        layer.requires_grad_(False)
    return model


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    return model


# --- sampling-scale -----------------------------------------------------------------------


@TABLE.right("sampling-scale")
def softplus_scale(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    scale = F.softplus(raw) + 1e-3
    q = Normal(mu, scale)
    recon = model.decoder(q.rsample())
    kl = kl_divergence(q, Normal(torch.zeros_like(mu), torch.ones_like(scale))).sum()
    return F.mse_loss(recon, x, reduction="sum") + kl


@TABLE.right("sampling-scale")
def exp_of_log_sigma(model: Layers, x: Tensor) -> Tensor:
    """exp(logvar) it looks like, but the name is wrong and the KL takes it for log σ too."""
    mu, logvar = model.encode(x)
    sigma = torch.exp(logvar)
    z = mu + sigma * torch.randn_like(sigma)
    kl = -0.5 * torch.sum(1 + 2 * logvar - mu.pow(2) - sigma.pow(2))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("sampling-scale")
def square_root_of_a_variance(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = F.softplus(raw)
    z = mu + variance.sqrt() * torch.randn_like(mu)
    kl = 0.5 * (mu**2 + variance - 1 - torch.log(variance)).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("sampling-scale")
def colder_sample(model: Layers, x: Tensor) -> Tensor:
    """A temperature below 1: the scale of z is the KL's σ, times a constant."""
    mu, logvar = model.encode(x)
    z = mu + 0.7 * torch.exp(0.5 * logvar) * torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("sampling-scale", make=with_heads)
def both_heads_from_one_layer(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = part(model, "heads")(model.encoder(x)).chunk(2, dim=1)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("sampling-scale")
def encoded_twice(model: Layers, x: Tensor) -> Tensor:
    recon = model.decoder(sample(*model.encode(x)))
    mu, logvar = model.encode(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("sampling-scale")
def full_covariance(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    lower = torch.tril(torch.diag_embed(raw.exp()) + 0.1)
    z = mu + (lower @ torch.randn_like(mu).unsqueeze(-1)).squeeze(-1)
    variance = (lower**2).sum(-1)
    kl = 0.5 * (mu**2 + variance - 1).sum() - raw.sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("sampling-scale")
def full_covariance_by_einsum(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    lower = torch.tril(torch.diag_embed(raw.exp()) + 0.1)
    z = mu + torch.einsum("bij,bj->bi", lower, torch.randn_like(mu))
    variance = (lower**2).sum(-1)
    kl = 0.5 * (mu**2 + variance - 1).sum() - raw.sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


# --- noise-detached -----------------------------------------------------------------------


@TABLE.right("noise-detached")
def noise_itself_detached(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    eps = torch.randn_like(mu).detach()
    z = mu + torch.exp(0.5 * logvar) * eps
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("noise-detached", make=frozen)
def frozen_encoder(model: Layers, x: Tensor) -> Tensor:
    """Only the decoder is trained on, so nothing is meant to reach the encoder."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("noise-detached")
def a_sample_for_the_log(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    with torch.no_grad():
        shown = model.decoder(sample(mu, logvar))
    recon = model.decoder(sample(mu, logvar))
    model.shown = shown
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("noise-detached")
def score_function(model: Layers, x: Tensor) -> Tensor:
    """REINFORCE: the sample has no gradient, its log-probability brings it."""
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    z = q.sample()
    error = ((model.decoder(z) - x) ** 2).sum(1)
    by_score = (error.detach() * q.log_prob(z).sum(1)).sum()
    return error.sum() + by_score + kl_of(mu, logvar)


@TABLE.right("noise-detached", make=without_raw)
def fixed_deviation(model: Layers, x: Tensor) -> Tensor:
    mu = model.to_mu(model.encoder(x))
    z = mu + 0.5 * torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + 0.5 * (mu**2).sum()


# --- negative-scale -----------------------------------------------------------------------


@TABLE.right("negative-scale")
def raw_deviation_of_either_sign(model: Layers, x: Tensor) -> Tensor:
    """The noise is as good with a minus, and the KL has the square of σ alone."""
    mu, sigma = model.encode(x)
    z = mu + sigma * torch.randn_like(sigma)
    kl = 0.5 * torch.sum(mu**2 + sigma**2 - 1 - torch.log(sigma**2))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("negative-scale")
def absolute_deviation(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = raw.abs() + 1e-3
    z = mu + sigma * torch.randn_like(sigma)
    kl = 0.5 * torch.sum(mu**2 + sigma**2 - 1 - torch.log(sigma**2))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("negative-scale")
def elu_plus_one(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    sigma = F.elu(raw) + 1 + 1e-6
    z = mu + sigma * torch.randn_like(sigma)
    kl = -0.5 * torch.sum(1 + 2 * sigma.log() - mu**2 - sigma**2)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


@TABLE.right("negative-scale")
def clamped_variance(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    variance = (raw**2).clamp(min=1e-6)
    z = mu + variance.sqrt() * torch.randn_like(mu)
    kl = 0.5 * torch.sum(mu**2 + variance - 1 - torch.log(variance))
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


# --- posterior-collapse -------------------------------------------------------------------


def collapsed_head() -> Layers:
    model = Layers()
    with torch.no_grad():
        for head in (model.to_mu, model.to_raw):
            head.weight[1] = 0
            head.bias[1] = 0
    return model


@TABLE.wrong("posterior-collapse", make=collapsed_head, x=batch)
def one_latent_collapsed(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@TABLE.right("posterior-collapse", x=lambda: rows(1).repeat(8, 1), make=collapsed_head)
def all_rows_alike(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def sharp_head() -> Layers:
    """The mean is the same everywhere, but far from the prior: not collapsed onto it."""
    model = Layers()
    with torch.no_grad():
        model.to_mu.weight[0] = 0
        model.to_mu.bias[0] = 2.0
    return model


@TABLE.right("posterior-collapse", make=sharp_head, x=batch)
def constant_but_not_the_prior(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
