"""Deviation in place."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_of


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    std = logvar.mul(0.5).exp_()
    z = torch.randn_like(std).mul_(std).add_(mu)
    loss = F.mse_loss(model.decoder(z), x, reduction="sum")
    loss += kl_of(mu, logvar)
    return loss
