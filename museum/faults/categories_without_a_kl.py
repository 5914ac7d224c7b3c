"""Sampling categories evenly gives nothing that looks like data.

The loss has no term that holds the categories to their prior.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers
from ..discrete import CATEGORIES, VARIABLES, of_categories, reconstructed

EXPECTED = "discrete-kl"


def make() -> Layers:
    return of_categories()


def faulty(model: Layers, x: Tensor) -> Tensor:
    return reconstructed(model, x)[0]


def right(model: Layers, x: Tensor) -> Tensor:
    logits = model.to_mu(model.encoder(x)).view(-1, VARIABLES, CATEGORIES)
    z = F.gumbel_softmax(logits, tau=0.7)
    log_q = torch.log_softmax(logits, dim=-1)
    kl = (log_q.exp() * (log_q + math.log(CATEGORIES))).sum()
    return ((model.decoder(z.flatten(1)) - x) ** 2).sum() + kl
