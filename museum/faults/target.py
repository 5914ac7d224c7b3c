"""Faults that `target` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, error_of, kl_of, sample
from ..cases import fault


@fault("target")
def compared_with_itself(model: Layers, x: Tensor) -> Tensor:
    """The reconstruction term is zero from the first step.

    The prediction stands on both sides of the error.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    target = recon.detach()
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)


@fault("target")
def entropy_for_cross_entropy(model: Layers, x: Tensor) -> Tensor:
    """Pixels become black or white, whatever the image is.

    The cross-entropy by hand has the prediction where the target belongs.
    """
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return -(p * torch.log(p) + (1 - p) * torch.log(1 - p)).sum() + kl_of(mu, logvar)


@entropy_for_cross_entropy.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    p = torch.sigmoid(model.decoder(sample(mu, logvar)))
    return -(x * torch.log(p) + (1 - x) * torch.log(1 - p)).sum() + kl_of(mu, logvar)


@fault("target")
def rows_in_another_order(model: Layers, x: Tensor) -> Tensor:
    """The output is the average of the data, whatever is fed in.

    The targets are shuffled, and the inputs are not.
    """
    mu, logvar = model.encode(x)
    recon = model.decoder(sample(mu, logvar))
    target = x[torch.arange(len(x)).roll(1)]
    return F.mse_loss(recon, target, reduction="sum") + kl_of(mu, logvar)


@rows_in_another_order.twin
def _(model: Layers, x: Tensor) -> Tensor:
    shuffled = x[torch.arange(len(x)).roll(1)]
    mu, logvar = model.encode(shuffled)
    recon = model.decoder(sample(mu, logvar))
    return F.mse_loss(recon, shuffled, reduction="sum") + kl_of(mu, logvar)


@fault("target")
def first_row_for_all(model: Layers, x: Tensor) -> Tensor:
    """Whatever goes in, one image comes out.

    Each row is compared with the first one of the batch.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x[:1].expand_as(x)) + kl_of(mu, logvar)


@fault("target")
def mean_of_the_batch_for_all(model: Layers, x: Tensor) -> Tensor:
    """All reconstructions are the same grey average.

    The target is the mean of the batch, spread over its rows.
    """
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x.mean(0).expand(len(x), -1)) + kl_of(mu, logvar)
