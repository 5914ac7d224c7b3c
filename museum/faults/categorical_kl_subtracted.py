"""Every row picks one and the same category.

The KL of the categories is taken away from the loss.
"""

from __future__ import annotations

import math

from torch import Tensor

from ..base import Layers
from ..discrete import CATEGORIES, entropy_part, of_categories, reconstructed

EXPECTED = "discrete-kl"


def make() -> Layers:
    return of_categories()


def faulty(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error - (q * (log_q - math.log(1 / CATEGORIES))).sum()


def right(model: Layers, x: Tensor) -> Tensor:
    error, logits = reconstructed(model, x)
    q, log_q = entropy_part(logits)
    return error + (q * (log_q - math.log(1 / CATEGORIES))).sum()
