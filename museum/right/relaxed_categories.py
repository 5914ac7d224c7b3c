"""A discrete latent by Gumbel-softmax."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers


def right(model: Layers, x: Tensor) -> Tensor:
    logits = model.to_mu(model.encoder(x)) + 0 * model.to_raw(model.encoder(x))
    z = F.gumbel_softmax(logits, tau=0.7)
    q = torch.softmax(logits, dim=1)
    kl = (q * (torch.log(q) + torch.log(torch.tensor(3.0)))).sum()
    return F.mse_loss(model.decoder(z), x, reduction="sum") + kl
