"""Faults that `unused-sample` names."""

from __future__ import annotations

import torch
from torch import Tensor

from ..base import Layers, error_of, kl_of, part, sample, with_
from ..cases import fault


@fault("unused-sample")
def decoder_gets_the_mean(model: Layers, x: Tensor) -> Tensor:
    """Reconstruction is perfect, generation is garbage.

    z is sampled, and the decoder is given the mean.
    """
    mu, logvar = model.encode(x)
    sample(mu, logvar)
    return error_of(model, mu, x) + kl_of(mu, logvar)


@fault("unused-sample")
def sample_written_over(model: Layers, x: Tensor) -> Tensor:
    """The noise changes nothing at all.

    z is sampled into a variable that the next line writes over.
    """
    mu, logvar = model.encode(x)
    z = torch.addcmul(mu, torch.exp(0.5 * logvar), torch.randn_like(mu))
    z = mu * 1.0
    return error_of(model, z, x) + kl_of(mu, logvar)


@fault("unused-sample", make=lambda: with_(past=(8, 3)), make_right=lambda: with_(past=(3, 3)))
def decoder_gets_the_hidden_layer(model: Layers, x: Tensor) -> Tensor:
    """Perfect reconstructions, and noise from the prior.

    The decoder is fed by the encoder's hidden layer, past the latents.
    """
    h = model.encoder(x)
    mu, logvar = model.to_mu(h), model.to_raw(h)
    sample(mu, logvar)
    return error_of(model, part(model, "past")(h), x) + kl_of(mu, logvar)


@decoder_gets_the_hidden_layer.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, part(model, "past")(sample(mu, logvar)), x) + kl_of(mu, logvar)
