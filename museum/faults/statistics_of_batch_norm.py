"""Good images in training, noise from the loaded model.

The running statistics of batch norm are not those of the data.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..base import Layers, kl_of, sample

EXPECTED = "mode"


def error_of(model: Layers, z: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(model.decoder(z), x, reduction="sum")


def normalized(mean: float = 0.0, variance: float = 1.0) -> Layers:
    model = Layers()
    norm = nn.BatchNorm1d(8)
    norm.load_state_dict(
        norm.state_dict()
        | {"running_mean": torch.full((8,), mean), "running_var": torch.full((8,), variance)}
    )
    model.encoder[1] = norm
    return model.eval()


def usual(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    return error_of(model, sample(mu, logvar), x) + kl_of(mu, logvar)


def make() -> Layers:
    return normalized(0.5, 0.02)


def make_right() -> Layers:
    return normalized()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)


def right(model: Layers, x: Tensor) -> Tensor:
    return usual(model, x)
