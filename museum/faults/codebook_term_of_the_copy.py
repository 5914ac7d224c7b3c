"""The codebook stays as it was made.

The codebook term is taken of the straight-through copy, which leads to the encoder.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers
from ..discrete import of_codes, picked, straight_through

EXPECTED = "codebook"
ALSO = ("no-gradient",)


def make() -> Layers:
    return of_codes()


def faulty(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(copy, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement


def right(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    copy = straight_through(z, code)
    commitment, movement = F.mse_loss(z, copy.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement
