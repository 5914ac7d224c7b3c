"""The log-likelihood is at minus ten thousand and sinking.

The log-likelihood itself is minimized, not its negative.
"""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Normal

from ..base import Layers, kl_of, sample

EXPECTED = "reconstruction-sign"


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return Normal(recon, 1.0).log_prob(x).sum() + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return -Normal(recon, 1.0).log_prob(x).sum() + kl_of(mu, logvar)
