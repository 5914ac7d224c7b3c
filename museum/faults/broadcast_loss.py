"""Faults that `broadcast-loss` names."""

from __future__ import annotations

from torch import Tensor, nn

from ..base import Layers, kl_of, sample
from ..cases import fault


def one_output() -> Layers:
    model = Layers()
    model.decoder[2] = nn.Linear(8, 1)
    return model


@fault("broadcast-loss", make=one_output)
def column_against_row(model: Layers, x: Tensor) -> Tensor:
    """The output is one and the same number for every row.

    Predictions of shape [N, 1] meet targets of shape [N], and each meets all.
    """
    """The decoder gives one number a row, [5, 1]; the target has lost its last axis, [5]."""
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    target = x[:, 0]
    return ((recon - target) ** 2).sum() + kl_of(mu, logvar)


@column_against_row.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    target = x[:, :1]
    return ((recon - target) ** 2).sum() + kl_of(mu, logvar)
