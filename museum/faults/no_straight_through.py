"""The encoder learns to commit and nothing else.

The decoder is given the code itself, without the straight-through copy.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers
from ..discrete import of_codes, picked, straight_through

EXPECTED = "codebook"


def make() -> Layers:
    return of_codes()


def faulty(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    return F.mse_loss(model.decoder(code), x) + 0.25 * commitment + movement


def right(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    copy = straight_through(z, code)
    return F.mse_loss(model.decoder(copy), x) + 0.25 * commitment + movement
