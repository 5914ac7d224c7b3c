"""Faults that `not-finite` names."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, error_of, kl_of, sample, usual
from ..cases import fault


def overflowing() -> Layers:
    model = Layers()
    with torch.no_grad():
        model.to_raw.bias[0] = 200.0
    return model


@fault("not-finite", make=overflowing, make_right=Layers)
def exp_overflows(model: Layers, x: Tensor) -> Tensor:
    """NaN at the first step of a pretrained model.

    A log-variance of hundreds goes through exp.
    """
    return usual(model, x)


@exp_overflows.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@fault("not-finite")
def log_of_a_negative(model: Layers, x: Tensor) -> Tensor:
    """The cross-entropy written by hand is NaN from the start.

    The logarithm is taken of an output without a sigmoid.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    bce = -(x * torch.log(recon - 1) + (1 - x) * torch.log(2 - recon)).sum()
    return bce + kl_of(mu, logvar)


@log_of_a_negative.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar))).clamp(1e-6, 1 - 1e-6)
    bce = -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum()
    return bce + kl_of(mu, logvar)
