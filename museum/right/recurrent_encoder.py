"""Recurrent encoder."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, part, sample


def recurrent() -> Layers:
    model = Layers()
    del model.encoder
    model.extra["rnn"] = nn.GRU(1, 8, batch_first=True)
    return model


def make() -> Layers:
    return recurrent()


def right(model: Layers, x: Tensor) -> Tensor:
    _, h = part(model, "rnn")(x.unsqueeze(-1))
    mu, logvar = model.to_mu(h[0]), model.to_raw(h[0])
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)
