"""Models whose heads or outputs cannot be what they have to be, and their right twins."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Layers, Table, kl_of, rows, sample

TABLE = Table()


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


# --- head-range ---------------------------------------------------------------------------


@TABLE.wrong("head-range")
def log_variance_behind_a_sigmoid(model: Layers, x: Tensor) -> Tensor:
    mu, raw = model.encode(x)
    return elbo(model, x, mu, torch.sigmoid(raw))


@TABLE.right("head-range")
def mean_behind_a_wide_tanh(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, 4 * torch.tanh(mu / 4), logvar)


@TABLE.right("head-range")
def log_variance_below_zero(model: Layers, x: Tensor) -> Tensor:
    """A ceiling of 1 on σ, which is the prior's."""
    mu, raw = model.encode(x)
    return elbo(model, x, mu, -F.softplus(-raw))


# --- output-range -------------------------------------------------------------------------


@TABLE.wrong("output-range", x=lambda: rows(scale=255.0).round())
def bytes_in_a_cross_entropy(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x / 255)
    logits = model.decoder(sample(mu, logvar))
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.wrong("output-range")
def cross_entropy_by_hand_swapped(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = -(p * torch.log(x) + (1 - p) * torch.log(1 - x)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range", twin="cross_entropy_by_hand_swapped")
def cross_entropy_by_hand(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range")
def squared_error_either_way_round(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(x, recon, reduction="sum") + kl_of(mu, logvar)


def black_and_white() -> Tensor:
    return rows().round()


@TABLE.right("output-range", x=black_and_white)
def guarded_logarithm(model: Layers, x: Tensor) -> Tensor:
    """A clamp that keeps the logarithm from 0 is no bound that anything is lost by."""
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1 / 512, 1 - 1 / 512)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range", x=black_and_white)
def logits_held_within_seven(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    logits = model.decoder(sample(mu, logvar)).clamp(-7, 7)
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return bce + kl_of(mu, logvar)


@TABLE.right("output-range", x=lambda: rows(scale=4.0).round())
def rates_above_a_small_number(model: Layers, x: Tensor) -> Tensor:
    """A Poisson likelihood takes the logarithm of a rate, which may be next to 0."""
    mu, logvar = model.encode(x)
    rate = F.softplus(model.decoder(sample(mu, logvar))) + 1e-4
    error = F.poisson_nll_loss(rate, x, log_input=False, reduction="sum")
    return error + kl_of(mu, logvar)


@TABLE.wrong("output-range", x=black_and_white)
def clamp_far_from_its_targets(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(0.2, 0.8)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)
