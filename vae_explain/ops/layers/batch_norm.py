"""`batch_norm`: each feature shifted to mean 0 and scaled to variance 1, over the batch.

In training the batch's own mean and variance are taken, otherwise the ones that were
collected in training: these are buffers, and pass no gradient on.
"""

from __future__ import annotations

from typing import Any

from ..rule import Bound
from .normalization import normalizing, with_affine


def bind(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-05,
) -> Bound:
    given = () if training else (running_mean, running_var)
    return with_affine(input, given, weight, bias), {"training": training, "eps": eps}


BATCH_NORM = normalizing(
    "batch_norm", bind, "each feature shifted to mean 0 and scaled to variance 1 over the batch"
)
