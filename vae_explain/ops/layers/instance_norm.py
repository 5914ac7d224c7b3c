"""`instance_norm`: each channel of each sample shifted to mean 0 and scaled to variance 1.

The mean and the variance are those of the channel's places, or, where the module keeps
running ones and is not training, these.
"""

from __future__ import annotations

from typing import Any

from ..rule import Bound
from .normalization import normalizing, with_affine


def bind(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Bound:
    given = () if use_input_stats else (running_mean, running_var)
    attributes = {"by_sample": True, "training": use_input_stats, "eps": eps}
    return with_affine(input, given, weight, bias), attributes


INSTANCE_NORM = normalizing(
    "instance_norm", bind, "each channel of a sample shifted to mean 0 and scaled to variance 1"
)
