"""`instance_norm`: each channel of each sample shifted to mean 0 and scaled to variance 1.

The mean and the variance are those of the channel's places, or, where the module keeps
running ones and is not training, these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Slot
from ..rule import Bound, called
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


_X = (np.arange(24) * 5 % 23 - 11.0).reshape(2, 3, 4) / 16
_WEIGHT, _BIAS = np.array([0.5, -1.25, 2.0]), np.array([3.0, -4.0, 6.0])
_MEAN, _VARIANCE = np.array([0.25, -0.5, 0.125]), np.array([1.5, 0.75, 0.25])

INSTANCE_NORM = normalizing(
    "instance_norm",
    bind,
    "each channel of a sample shifted to mean 0 and scaled to variance 1",
    called(bind, (_X, _WEIGHT, _BIAS), Slot(0), weight=Slot(1), bias=Slot(2)),
    called(bind, (_X.reshape(2, 3, 2, 2),), Slot(0), eps=0.125),
    called(
        bind,
        (_X, _MEAN, _VARIANCE, _WEIGHT, _BIAS),
        *map(Slot, range(5)),
        use_input_stats=False,
        fixed=(1, 2),
    ),
)
