"""The codebook hardly moves.

β weighs the codebook term, and the commitment term has no weight.
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
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + commitment + 0.25 * movement


def right(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment, movement = F.mse_loss(z, code.detach()), F.mse_loss(code, z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement
