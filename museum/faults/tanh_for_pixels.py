"""Half of the output's range is never used.

The output goes from -1 to 1, the images from 0 to 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of, rows, sample

EXPECTED = "output-range"


def image() -> Tensor:
    return rows(5, 36).view(5, 1, 6, 6)


def of_images() -> Layers:
    return Layers(width=36)


def make() -> Layers:
    return of_images()


def batch() -> Tensor:
    return image()


def batch_right() -> Tensor:
    return 2 * image() - 1


def faulty(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x.flatten(1))
    recon = torch.tanh(model.decoder(sample(mu, logvar))).view_as(x)
    return F.mse_loss(recon, x, reduction="sum") + kl_of(mu, logvar)


def right(model: Layers, x: Tensor) -> Tensor:
    return faulty(model, x)
