"""`embedding`: the rows of a table that an index names, of which one may learn nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.expression import Expression, Index, Opaque
from ...trace import Array
from ..binding import Ignored, Refused, binder
from ..layout.select import selecting, written
from ..rule import Call, Partial

SPARSE = Refused(False, "max_norm, scale_grad_by_freq and sparse")
LIMITED: dict[str, Any] = {
    "max_norm": replace(SPARSE, default=None),
    "norm_type": Ignored(),
    "scale_grad_by_freq": SPARSE,
}


_TAKEN = selecting(
    "embedding",
    bind=binder(
        *("input", "weight"), padding_idx=None, **LIMITED, sparse=SPARSE, order=("weight", "input")
    ),
    key=lambda weight, index, padding_idx: (index,),
    chosen_by=lambda call, index: [(1, index[: len(call.operands[1].shape)])],
    by_name=True,
    shows=lambda call: (1, 0),
    words="the rows of a table that an index names",
    functional=True,
)


def without_padding(gradient: Array, padding_idx: int | None) -> Array:
    """Return the gradient at a table whose row for padding learns nothing."""
    if padding_idx is None:
        return gradient
    left = np.array(gradient)
    left[padding_idx] = 0
    return left


def _embedding_partials(call: Call, position: int, index: Index) -> list[Partial]:
    padding = call.attributes["padding_idx"]
    if position == 0 and padding is not None and index[0] == padding % call.operands[0].shape[0]:
        return []
    return _TAKEN.partials(call, position, index)


def _embedding_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    gradient = _TAKEN.gradient(call, position, upstream)
    padding = call.attributes["padding_idx"]
    if padding is None:
        return gradient
    options = (("at", written((padding,))),)
    return Opaque("put_zero", (gradient,), options, lambda g: without_padding(g, padding))


EMBEDDING = replace(_TAKEN, partials=_embedding_partials, gradient=_embedding_gradient)
