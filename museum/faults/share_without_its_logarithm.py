"""The categories' KL is below zero.

1/K stands where log(1/K) belongs.
"""

from __future__ import annotations

from torch import Tensor

from ..base import Layers
from ..discrete import CATEGORIES, entropy_part, of_categories, reconstructed

EXPECTED = "discrete-kl"


def make() -> Layers:
    return of_categories()


def faulty(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - 1 / CATEGORIES)).sum()


def right(model: Layers, x: Tensor) -> Tensor:
    """Without log K, a constant, the gradients are the same."""
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * log_q).sum()
