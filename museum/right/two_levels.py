"""z2 is made from z1's sample; the prior of z1 is learned from z2."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from ..base import Layers, kl_of, part, sample, with_


def make() -> Layers:
    return with_(up=(3, 4), down=(2, 6))


def right(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu1, logvar1 = model.to_mu(h), model.to_raw(h)
    z1 = sample(mu1, logvar1)
    mu2, logvar2 = part(model, "up")(z1).chunk(2, dim=1)
    z2 = sample(mu2, logvar2)
    prior_mu, prior_logvar = part(model, "down")(z2).chunk(2, dim=1)
    q1 = Normal(mu1, torch.exp(0.5 * logvar1))
    p1 = Normal(prior_mu, torch.exp(0.5 * prior_logvar))
    kl1 = kl_divergence(q1, p1).sum()
    kl2 = kl_of(mu2, logvar2)
    return F.mse_loss(model.decoder(z1), x, reduction="sum") + kl1 + kl2
