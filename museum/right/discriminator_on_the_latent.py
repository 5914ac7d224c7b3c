"""FactorVAE's term: the log-ratio of a discriminator that sees z."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..base import Layers, kl_each, part, sample, with_


def make() -> Layers:
    return with_(discriminator=(3, 2))


def right(model: Layers, x: Tensor) -> Tensor:
    mu, logvar = model.encode(x)
    z = sample(mu, logvar)
    scores = part(model, "discriminator")(z)
    correlation = (scores[:, 0] - scores[:, 1]).mean()
    error = F.binary_cross_entropy_with_logits(model.decoder(z), x, reduction="sum") / len(x)
    return error + kl_each(mu, logvar).sum(1).mean() + 10 * correlation
