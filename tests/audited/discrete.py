"""Discrete latents with one mistake each, and their right twins: categories and codes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from museum.discrete import of_codes, picked, straight_through

from .base import Layers, Table

TABLE = Table()


# --- codebook -----------------------------------------------------------------------------


@TABLE.wrong("codebook", "no-gradient", make=of_codes)
def codebook_term_detached_twice(model: Layers, x: Tensor) -> Tensor:
    z, code = picked(model, x)
    commitment = F.mse_loss(z, code.detach())
    movement = F.mse_loss(code.detach(), z.detach())
    error = F.mse_loss(model.decoder(straight_through(z, code)), x)
    return error + 0.25 * commitment + movement
