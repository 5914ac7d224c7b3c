"""Faults that `latent-without-kl` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, error_of, kl_each, kl_of, part, sample
from ..cases import fault


@fault("latent-without-kl")
def kl_detached(model: Layers, x: Tensor) -> Tensor:
    """The KL is printed, and grows as if it were not in the loss.

    The KL was detached for the log, and the detached number was added.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar).detach()


@fault("latent-without-kl")
def no_kl_at_all(model: Layers, x: Tensor) -> Tensor:
    """The latents spread over hundreds.

    The loss has the error alone.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x)


@fault("latent-without-kl")
def prior_without_the_posterior(model: Layers, x: Tensor) -> Tensor:
    """The noise shrinks to nothing, and the latents look like an autoencoder's.

    The loss has -log p(z) of the sample and leaves out log q(z|x), which holds the deviations.
    """
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    return F.mse_loss(model.decoder(z), x, reduction="sum") + 0.5 * (z**2).sum()


@prior_without_the_posterior.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    eps = torch.randn_like(std)
    z = mu + std * eps
    kl = (0.5 * z**2 - 0.5 * eps**2 - std.log()).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl


def ladder() -> Layers:
    model = Layers()
    model.extra["up"] = nn.Linear(3, 4)
    model.extra["out"] = nn.Linear(2, 6)
    del model.decoder
    return model


@fault("latent-without-kl", make=ladder)
def second_latent_without_kl(model: Layers, x: Tensor) -> Tensor:
    """The second level of the ladder stores the whole image.

    Two levels are sampled and one KL is in the loss.
    """
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


@second_latent_without_kl.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    mean, spread = part(model, "up")(sample(mu, logvar)).chunk(2, dim=1)
    recon = part(model, "out")(sample(mean, spread))
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar) + kl_of(mean, spread)


@fault("latent-without-kl")
def kl_of_the_first_latent(model: Layers, x: Tensor) -> Tensor:
    """One latent looks like the prior, the others are far away and without noise.

    The KL is taken of a slice.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu[:, :1], logvar[:, :1])


@fault("latent-without-kl")
def kl_of_the_first_row(model: Layers, x: Tensor) -> Tensor:
    """The KL goes down and the samples are as bad as before.

    Only the first row of each batch pays it.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu[0], logvar[0])


@fault("latent-without-kl")
def free_bits_of_a_scaled_kl(model: Layers, x: Tensor) -> Tensor:
    """With free bits the KL is 1, at every step.

    The floor of 1 stands under a KL that has been divided by the width of x, beside a mean error.
    """
    mu, logvar = model.encode(x)
    kl = kl_each(mu, logvar).sum(1).mean() / x.shape[1]
    return F.mse_loss(model.decoder(sample(mu, logvar)), x) + kl.clamp(min=1.0)


@free_bits_of_a_scaled_kl.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    kl = kl_each(mu, logvar).mean(0).clamp(min=0.05).sum() / x.shape[1]
    return F.mse_loss(model.decoder(sample(mu, logvar)), x) + kl
