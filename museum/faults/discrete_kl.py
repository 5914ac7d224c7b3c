"""Faults that `discrete-kl` names."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ..base import Layers
from ..cases import fault
from ..discrete import CATEGORIES, VARIABLES, entropy_part, of_categories, reconstructed


@fault("discrete-kl", make=of_categories)
def categorical_kl_subtracted(model: Layers, x: Tensor) -> Tensor:
    """Every row picks one and the same category.

    The KL of the categories is taken away from the loss.
    """
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error - (q * (log_q - math.log(1 / CATEGORIES))).sum()


@categorical_kl_subtracted.twin
def _(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - math.log(1 / CATEGORIES))).sum()


@fault("discrete-kl", make=of_categories)
def categories_without_a_kl(model: Layers, x: Tensor) -> Tensor:
    """Sampling categories evenly gives nothing that looks like data.

    The loss has no term that holds the categories to their prior.
    """
    return reconstructed(model, x)[0]


@categories_without_a_kl.twin
def _(model: Layers, x: Tensor) -> Tensor:
    logits = model.to_mu(model.encoder(x)).view(-1, VARIABLES, CATEGORIES)
    z = F.gumbel_softmax(logits, tau=0.7)
    log_q = torch.log_softmax(logits, dim=-1)
    kl = (log_q.exp() * (log_q + math.log(CATEGORIES))).sum()
    return ((model.decoder(z.flatten(1)) - x) ** 2).sum() + kl


@fault("discrete-kl", make=of_categories)
def share_without_its_logarithm(model: Layers, x: Tensor) -> Tensor:
    """The categories' KL is below zero.

    1/K stands where log(1/K) belongs.
    """
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - 1 / CATEGORIES)).sum()


@share_without_its_logarithm.twin
def _(model: Layers, x: Tensor) -> Tensor:
    """Without log K, a constant, the gradients are the same."""
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * log_q).sum()
