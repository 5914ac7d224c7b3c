"""Models that learn less than they seem to: samples not used, other noise, lost weights."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .base import Layers, Table, kl_of, sample

TABLE = Table()


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


# --- unused-sample ------------------------------------------------------------------------


@TABLE.right("noise")
def noise_by_an_old_constructor(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = logvar.mul(0.5).exp_()
    z = torch.FloatTensor(std.size()).normal_().mul(std).add_(mu)
    return error_of(model, z, x) + kl_of(mu, logvar)


@TABLE.right("unused-sample")
def prior_sampled_for_a_look(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    model.decoder(torch.randn_like(mu))
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


# --- latent-without-kl --------------------------------------------------------------------


def without_raw() -> Layers:
    model = Layers()
    del model.to_raw
    return model


@TABLE.right("latent-without-kl", make=without_raw, twin="no_kl_at_all")
def noise_of_a_fixed_size(model: Layers, x: Tensor) -> Tensor:
    """A regularised autoencoder, whose noise nothing learned scales."""
    mu = model.to_mu(model.encoder(x))
    return error_of(model, mu + 0.1 * torch.randn_like(mu), x) + 1e-3 * (mu**2).sum()


# --- noise --------------------------------------------------------------------------------


@TABLE.right("")
def noise_from_numpy(model: Layers, x: Tensor) -> Tensor:
    """The gradients are right; that nobody can repeat it is a note."""
    mu, logvar = model.encode(x)
    eps = torch.from_numpy(np.random.standard_normal(tuple(mu.shape))).float()
    z = mu + torch.exp(0.5 * logvar) * eps
    return error_of(model, z, x) + kl_of(mu, logvar)
