"""Faults that `noise-detached` names."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers, error_of, kl_of, sample
from ..cases import fault
from ..discrete import CATEGORIES, VARIABLES, entropy_part, gumbel, of_categories


@fault("noise-detached")
def deviation_by_data(model: Layers, x: Tensor) -> Tensor:
    """The deviations follow the KL alone, in code of an older PyTorch.

    The deviation is read through .data, which cuts its gradient.
    """
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar).data
    z = mu + std * torch.randn_like(std)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise-detached")
def deviation_detached(model: Layers, x: Tensor) -> Tensor:
    """The deviations follow the KL alone and go to one.

    The deviation is detached before it scales the noise.
    """
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar).detach()
    z = mu + std * torch.randn_like(std)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise-detached")
def deviation_forgotten(model: Layers, x: Tensor) -> Tensor:
    """The variance head gets the KL's gradient and no other.

    The noise is added without its deviation.
    """
    mu, logvar = model.encode(x)
    z = mu + torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise-detached")
def mean_detached(model: Layers, x: Tensor) -> Tensor:
    """The encoder's means all go to zero.

    The mean is detached before the noise is added.
    """
    mu, logvar = model.encode(x)
    z = mu.detach() + torch.exp(0.5 * logvar) * torch.randn_like(mu)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("noise-detached")
def sample_for_rsample(model: Layers, x: Tensor) -> Tensor:
    """The encoder does not learn from the reconstruction.

    z comes from sample(), which passes no gradient; rsample() does.
    """
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum()
    return error_of(model, q.sample(), x) + kl


@sample_for_rsample.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    q = Normal(mu, torch.exp(0.5 * logvar))
    kl = kl_divergence(q, Normal(0.0, 1.0)).sum()
    return error_of(model, q.rsample(), x) + kl


@fault("noise-detached")
def sampled_under_no_grad(model: Layers, x: Tensor) -> Tensor:
    """Only the decoder learns to reconstruct.

    The sample is drawn under torch.no_grad().
    """
    mu, logvar = model.encode(x)
    with torch.no_grad():
        z = sample(mu, logvar)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


def hard(model: Layers, x: Tensor, passes: bool) -> Tensor:
    logits = model.to_mu(model.encoder(x)).view(-1, VARIABLES, CATEGORIES)
    soft = gumbel(logits)
    one = F.one_hot(soft.argmax(-1), CATEGORIES).float()
    z = one - soft.detach() + soft if passes else one
    q, log_q = entropy_part(logits)
    kl = (q * (log_q + math.log(CATEGORIES))).sum()
    return F.mse_loss(model.decoder(z.flatten(1)), x, reduction="sum") + kl


@fault("noise-detached", make=of_categories)
def argmax_of_the_relaxed_sample(model: Layers, x: Tensor) -> Tensor:
    """The categories fall into equal shares and stay there.

    The decoder is given the one-hot of an argmax, which has no gradient.
    """
    return hard(model, x, passes=False)


@argmax_of_the_relaxed_sample.twin
def _(model: Layers, x: Tensor) -> Tensor:
    return hard(model, x, passes=True)
