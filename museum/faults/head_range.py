"""Faults that `head-range` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_of, sample
from ..cases import fault


def elbo(model: Layers, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@fault("head-range")
def log_variance_behind_a_softplus(model: Layers, x: Tensor) -> Tensor:
    """The latents stay noisy to the end.

    A softplus on log σ² keeps every deviation above one.
    """
    mu, raw = model.encode(x)
    return elbo(model, x, mu, F.softplus(raw))


@log_variance_behind_a_softplus.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@fault("head-range")
def mean_behind_a_softplus(model: Layers, x: Tensor) -> Tensor:
    """The latents use one corner of the space.

    A softplus keeps every mean above zero.
    """
    mu, logvar = model.encode(x)
    return elbo(model, x, F.softplus(mu), logvar)


@mean_behind_a_softplus.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@fault("head-range")
def mean_behind_a_tanh(model: Layers, x: Tensor) -> Tensor:
    """The KL cannot grow, and reconstructions stay blurred.

    A tanh keeps every mean within one deviation of the prior.
    """
    mu, logvar = model.encode(x)
    return elbo(model, x, torch.tanh(mu), logvar)


@fault("head-range", "no-gradient")
def one_head_for_both(model: Layers, x: Tensor) -> Tensor:
    """Mean and log-variance are always equal.

    One layer gives both: the second was defined and is not called.
    """
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_mu(h))


@one_head_for_both.twin
def _(model: Layers, x: Tensor) -> Tensor:
    h = model.encoder(x)
    return elbo(model, x, model.to_mu(h), model.to_raw(h))


@fault("head-range")
def sigmoid_on_the_log_variance(model: Layers, x: Tensor) -> Tensor:
    """The reconstructions are blurred, and no weight of the KL helps.

    A sigmoid on the head keeps the deviation above 1.
    """
    mu, logvar = model.encode(x)
    logvar = torch.sigmoid(logvar)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


@fault("head-range")
def mean_behind_a_softmax(model: Layers, x: Tensor) -> Tensor:
    """One latent carries everything, and the others are nearly zero.

    A softmax keeps the means of a row above zero and makes them add up to 1.
    """
    mu, logvar = model.encode(x)
    return elbo(model, x, torch.softmax(mu, dim=1), logvar)


@mean_behind_a_softmax.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)


@fault("head-range")
def mean_of_length_one(model: Layers, x: Tensor) -> Tensor:
    """Samples of the prior look like nothing that was trained on.

    The means of each row are divided by their length, while the prior is N(0, 1) in each latent.
    """
    mu, logvar = model.encode(x)
    return elbo(model, x, mu / mu.norm(dim=1, keepdim=True), logvar)


@mean_of_length_one.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return elbo(model, x, mu, logvar)
