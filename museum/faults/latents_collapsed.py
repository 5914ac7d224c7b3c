"""Half of the latents do nothing when they are moved.

Their posterior is the prior for every row, and the decoder does not listen.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_each, kl_of, rows, sample

EXPECTED = "posterior-collapse"


def batch() -> Tensor:
    return rows(16)


def collapsed_and_unused() -> Layers:
    """As training leaves them: not quite zero, and the decoder does not listen."""
    model = Layers(latent=4)
    with torch.no_grad():
        for head in (model.to_mu, model.to_raw):
            head.weight[2:] *= 0.01
            head.bias[2:] = 0.05
        first = model.decoder[0]
        assert isinstance(first, nn.Linear)
        first.weight[:, 2:] *= 0.001
    return model


def make() -> Layers:
    return collapsed_and_unused()


def make_right() -> Layers:
    return Layers()


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
