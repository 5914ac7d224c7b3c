"""Plain autoencoder."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    mu = model.to_mu(model.encoder(x))
    return F.mse_loss(model.decoder(mu), x) + 0 * model.to_raw(model.encoder(x)).sum()
