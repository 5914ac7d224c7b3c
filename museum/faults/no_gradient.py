"""Faults that `no-gradient` names."""

from __future__ import annotations

from torch import Tensor, nn

from ..base import Layers, error_of, kl_of, sample, usual
from ..cases import fault


@fault("no-gradient")
def encoder_cut_off(model: Layers, x: Tensor) -> Tensor:
    """Latents never separate the classes.

    The hidden layer is detached before the heads.
    """
    h = model.encoder(x).detach()
    mu, logvar = model.to_mu(h), model.to_raw(h)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def with_unused() -> Layers:
    model = Layers()
    model.extra["unused"] = nn.Linear(3, 3)
    return model


@fault("no-gradient", make=with_unused, make_right=Layers)
def layer_not_used(model: Layers, x: Tensor) -> Tensor:
    """A layer's weights are those that it was made with.

    The layer is defined and never called.
    """
    return usual(model, x)


@layer_not_used.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)
