"""Faults that `loss-scale-mismatch` names."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_each, kl_of, sample
from ..cases import fault
from ..discrete import CATEGORIES, entropy_part, of_categories, reconstructed


@fault("loss-scale-mismatch")
def averaged_by_hand(model: Layers, x: Tensor) -> Tensor:
    """The same code works on small images and collapses on large ones.

    The error is divided by batch and pixels by hand, the KL by the batch alone.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum() / (x.shape[0] * x.shape[1])
    return error + kl_each(mu, logvar).sum(1).mean()


@averaged_by_hand.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    error = ((recon - x) ** 2).sum() / x.shape[0]
    return error + kl_each(mu, logvar).sum(1).mean()


@fault("loss-scale-mismatch")
def mean_beside_sum(model: Layers, x: Tensor) -> Tensor:
    """All reconstructions look alike: the average of the data.

    The error is averaged over batch and pixels, the KL is summed over batch and latents.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    mse = F.mse_loss(recon, x)
    kld = kl_of(mu, logvar)
    return mse + kld


@fault("loss-scale-mismatch")
def mean_of_pixels_beside_sum_of_latents(model: Layers, x: Tensor) -> Tensor:
    """The KL goes to zero within the first epoch.

    The error is averaged over the pixels, the KL is summed over the latents: β is their number.
    """
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, x)
    kld = torch.mean(kl_each(mu, logvar).sum(dim=1))
    return bce + 4.0 * kld


@mean_of_pixels_beside_sum_of_latents.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon = torch.sigmoid(model.decoder(sample(mu, logvar)))
    bce = F.binary_cross_entropy(recon, x, reduction="sum") / len(x)
    kld = torch.mean(kl_each(mu, logvar).sum(dim=1))
    return bce + kld


@fault("loss-scale-mismatch")
def one_term_over_the_batch(model: Layers, x: Tensor) -> Tensor:
    """With a larger batch the samples get worse.

    The error is summed over the batch, the KL averaged: the KL loses weight with each row.
    """
    mu, logvar = model.encode(x)
    error = error_of(model, sample(mu, logvar), x)
    kl = kl_each(mu, logvar).sum(dim=1).mean()
    return error + kl


@one_term_over_the_batch.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    error = error_of(model, sample(mu, logvar), x) / len(x)
    kl = kl_each(mu, logvar).sum(dim=1).mean()
    return error + kl


def tokens(model: Layers, mu: Tensor, logvar: Tensor, x: Tensor, reduction: str) -> Tensor:
    """Return the cross-entropy of three words a row, of two words that there are."""
    words = model.decoder(sample(mu, logvar)).view(-1, 2)
    return F.cross_entropy(words, (x[:, :3] > 0.5).long().view(-1), reduction=reduction)


@fault("loss-scale-mismatch")
def mean_of_tokens_beside_sum_of_latents(model: Layers, x: Tensor) -> Tensor:
    """The KL is zero from the first epoch on: the sentences come without the latents.

    The cross-entropy is averaged over all words of all sentences, the KL over the sentences.
    """
    mu, logvar = model.encode(x)
    return tokens(model, mu, logvar, x, "mean") + kl_each(mu, logvar).sum(1).mean()


@mean_of_tokens_beside_sum_of_latents.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return tokens(model, mu, logvar, x, "sum") / len(x) + kl_each(mu, logvar).sum(1).mean()


@fault("loss-scale-mismatch")
def kl_divided_twice(model: Layers, x: Tensor) -> Tensor:
    """With larger batches the samples get worse.

    The KL is averaged over the batch, and divided by its size once more.
    """
    mu, logvar = model.encode(x)
    kl = kl_each(mu, logvar).sum(1).mean()
    return error_of(model, sample(mu, logvar), x) / len(x) + kl / len(x)


@kl_divided_twice.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    kl = kl_each(mu, logvar).sum(1).mean()
    return error_of(model, sample(mu, logvar), x) / len(x) + kl


@fault("loss-scale-mismatch", make=of_categories)
def categories_summed_beside_a_mean(model: Layers, x: Tensor) -> Tensor:
    """All categories stay equally likely, the more so with larger batches.

    The KL of the categories is summed over the batch, the error averaged over everything.
    """
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error / x.numel() + (q * (log_q + math.log(CATEGORIES))).sum()


@categories_summed_beside_a_mean.twin
def _(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error / len(x) + (q * (log_q + math.log(CATEGORIES))).sum(dim=(1, 2)).mean()


@fault("loss-scale-mismatch")
def sum_of_channels_mean_of_pixels(model: Layers, x: Tensor) -> Tensor:
    """The larger the images, the greyer the reconstructions.

    The error is summed over the channels and averaged over the pixels; the KL is a sum.
    """
    mu, logvar = model.encode(x)
    image, recon = x.view(-1, 2, 1, 3), model.decoder(sample(mu, logvar)).view(-1, 2, 1, 3)
    return ((recon - image) ** 2).sum(1).mean() + kl_each(mu, logvar).sum(1).mean()


@sum_of_channels_mean_of_pixels.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    image, recon = x.view(-1, 2, 1, 3), model.decoder(sample(mu, logvar)).view(-1, 2, 1, 3)
    return ((recon - image) ** 2).sum((1, 2, 3)).mean() + kl_each(mu, logvar).sum(1).mean()


@fault("loss-scale-mismatch")
def kl_at_every_step(model: Layers, x: Tensor) -> Tensor:
    """The longer the sequence, the less the latent says.

    The one KL of a sequence is added in the loop over its steps, once for each.
    """
    mu, logvar = model.encode(x)
    recon, loss = model.decoder(sample(mu, logvar)), torch.zeros(())
    for step in range(x.shape[1]):
        loss = loss + ((recon[:, step] - x[:, step]) ** 2).sum() + kl_of(mu, logvar)
    return loss


@kl_at_every_step.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    recon, loss = model.decoder(sample(mu, logvar)), kl_of(mu, logvar)
    for step in range(x.shape[1]):
        loss = loss + ((recon[:, step] - x[:, step]) ** 2).sum()
    return loss
