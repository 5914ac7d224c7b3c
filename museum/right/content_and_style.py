"""Two latents side by side, each with a KL of its own weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, part, sample, with_


def make() -> Layers:
    return with_(style_mu=(8, 3), style_raw=(8, 3), both=(6, 6))


def right(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    style_mu, style_logvar = part(model, "style_mu")(h), part(model, "style_raw")(h)
    z = sample(mu, logvar)
    style = sample(style_mu, style_logvar)
    recon = part(model, "both")(torch.cat([z, style], dim=1)) + 0.1 * model.decoder(z)
    error = F.mse_loss(recon, x, reduction="sum")
    return error + kl_of(mu, logvar) + 3.0 * kl_of(style_mu, style_logvar)
