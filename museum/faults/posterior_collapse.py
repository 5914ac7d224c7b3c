"""Faults that `posterior-collapse` names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base import Layers, error_of, kl_each, kl_of, rows, sample
from ..cases import fault


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


@fault("posterior-collapse", make=collapsed_and_unused, x=lambda: rows(16), make_right=Layers)
def latents_collapsed(model: Layers, x: Tensor) -> Tensor:
    """Half of the latents do nothing when they are moved.

    Their posterior is the prior for every row, and the decoder does not listen.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum(1)
    return (error + kl_each(mu, logvar).sum(1)).mean()


@latents_collapsed.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)
