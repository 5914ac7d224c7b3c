"""Faults that `mode` names."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, error_of, kl_of, sample, usual
from ..cases import fault


@fault("mode")
def deviation_added_in_evaluation(model: Layers, x: Tensor) -> Tensor:
    """Reconstructions of the validation are all shifted; in training they are good.

    The noise is left out in evaluation mode, and its deviation is still added to the mean.
    """
    mu, logvar = model.encode(x)
    std = torch.exp(0.5 * logvar)
    if model.training:
        std = torch.randn_like(std) * std
    z = std + mu
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@deviation_added_in_evaluation.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar) if model.training else mu
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl_of(mu, logvar)


@fault("mode")
def drawn_in_evaluation_alone(model: Layers, x: Tensor) -> Tensor:
    """Validation is noisy, training is a plain autoencoder.

    The condition on self.training is the wrong way round.
    """
    mu, logvar = model.encode(x)
    z = mu if model.training else sample(mu, logvar)
    return error_of(model, z, x) + kl_of(mu, logvar)


@drawn_in_evaluation_alone.twin
def _(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar) if model.training else mu
    return error_of(model, z, x) + kl_of(mu, logvar)


def normalized(mean: float = 0.0, variance: float = 1.0) -> Layers:
    model = Layers()
    norm = nn.BatchNorm1d(8)
    norm.load_state_dict(
        norm.state_dict()
        | {"running_mean": torch.full((8,), mean), "running_var": torch.full((8,), variance)}
    )
    model.encoder[1] = norm
    return model.eval()


@fault("mode", make=lambda: normalized(0.5, 0.02), make_right=normalized)
def statistics_of_batch_norm(model: Layers, x: Tensor) -> Tensor:
    """Good images in training, noise from the loaded model.

    The running statistics of batch norm are not those of the data.
    """
    return usual(model, x)
