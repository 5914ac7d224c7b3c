"""Faults that `saturation` names."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, error_of, kl_of, sample, usual
from ..cases import fault


def narrow() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias.fill_(-25.0)
    return model


@fault("saturation", make=narrow, make_right=Layers)
def no_noise_left(model: Layers, x: Tensor) -> Tensor:
    """The KL is large and the noise has no effect.

    The log-variance head starts at -25, so that σ is a millionth.
    """
    return usual(model, x)


@no_noise_left.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)
