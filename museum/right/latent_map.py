"""A latent of four maps, as image models have it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, part, rows, sample


def spatial() -> Layers:
    model = Layers()
    del model.encoder, model.to_mu, model.to_raw, model.decoder
    model.extra["down"] = nn.Conv2d(1, 8, 3, stride=2, padding=1)
    model.extra["up"] = nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1)
    return model


def make() -> Layers:
    return spatial()


def batch() -> Tensor:
    return rows(3, 64).view(3, 1, 8, 8)


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = part(model, "down")(x).chunk(2, dim=1)
    z = sample(mu, logvar.clamp(-30, 20))
    recon = part(model, "up")(z)
    error = F.l1_loss(recon, x, reduction="none").sum(dim=(1, 2, 3)).mean()
    kl = 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=[1, 2, 3])
    return error + 1e-6 * kl.mean()
