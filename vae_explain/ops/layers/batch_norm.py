"""`batch_norm`: each feature shifted to mean 0 and scaled to variance 1, over the batch.

In training the batch's own mean and variance are taken, otherwise the ones that were
collected in training: these are buffers, and pass no gradient on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Slot
from ..rule import Bound, called
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


_X = (np.arange(24) * 5 % 23 - 11.0).reshape(4, 6) / 16
_WEIGHT, _BIAS = np.array([0.5, -1.25, 2.0]), np.array([3.0, -4.0, 6.0])
_ROWS = _X[:, :3]
_IMAGES = _X.reshape(2, 3, 4)
_TRAINED = (Slot(0), None, None)  # in training, means and variances are the batch's own
_MEAN, _VARIANCE = np.array([0.25, -0.5, 0.125]), np.array([1.5, 0.75, 0.25])

BATCH_NORM = normalizing(
    "batch_norm",
    bind,
    "each feature shifted to mean 0 and scaled to variance 1 over the batch",
    called(bind, (_ROWS, _WEIGHT, _BIAS), *_TRAINED, weight=Slot(1), bias=Slot(2), training=True),
    called(bind, (_IMAGES, _WEIGHT), *_TRAINED, Slot(1), None, True),
    called(bind, (_ROWS,), *_TRAINED, training=True, eps=0.125),
    called(
        bind,
        (_ROWS, _MEAN, _VARIANCE, _WEIGHT, _BIAS),
        *map(Slot, range(5)),
        fixed=(1, 2),
    ),
    called(bind, (_IMAGES, _MEAN, _VARIANCE), *map(Slot, range(3)), fixed=(1, 2)),
)
