"""`layer_norm`: each sample shifted to mean 0 and scaled to variance 1, over its last axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...trace import Slot
from ..rule import Bound, called
from .normalization import normalizing, with_affine


def bind(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Bound:
    features = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    return with_affine(input, (), weight, bias), {"features": features, "eps": eps}


_X = (np.arange(24) * 5 % 23 - 11.0).reshape(4, 6) / 16
_WEIGHT, _BIAS = np.array([0.5, -1.25, 2.0]), np.array([3.0, -4.0, 6.0])
_ROWS = _X[:, :3]
_IMAGES = _X.reshape(2, 3, 4)

LAYER_NORM = normalizing(
    "layer_norm",
    bind,
    "each sample shifted to mean 0 and scaled to variance 1",
    called(bind, (_ROWS, _WEIGHT, _BIAS), Slot(0), (3,), weight=Slot(1), bias=Slot(2)),
    called(bind, (_ROWS, _WEIGHT), Slot(0), (3,), Slot(1), None, 0.125),
    called(bind, (_IMAGES,), Slot(0), (3, 4)),
    called(bind, (_X[0],), Slot(0), (6,)),
)
