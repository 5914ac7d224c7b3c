"""`layer_norm`: each sample shifted to mean 0 and scaled to variance 1, over its last axes."""

from __future__ import annotations

from typing import Any

from ..rule import Bound
from .normalization import normalizing, with_affine


def bind(
    input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-05
) -> Bound:
    features = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    return with_affine(input, (), weight, bias), {"features": features, "eps": eps}


LAYER_NORM = normalizing(
    "layer_norm", bind, "each sample shifted to mean 0 and scaled to variance 1"
)
