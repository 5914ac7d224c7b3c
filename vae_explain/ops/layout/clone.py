"""The same numbers again: `clone` and its kin, and `detach`, where a gradient stops.

Changes of memory layout and of precision (`contiguous`, `to`, `float`) are `clone` here: the
arithmetic does not see them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Opaque
from ...trace import Array
from ..binding import Bound
from ..rule import NOTHING_BACK, Rule


def bind(input: Any, *args: Any, **kwargs: Any) -> Bound:
    return (input,), {}


def _varies(x: Array) -> bool:
    return bool(np.issubdtype(x.dtype, np.inexact))


def forward(x: Array) -> Array:
    # What was true or counted becomes a number like any other.
    return x if _varies(x) else x.astype(np.float64)


CLONE = Rule(
    name="clone",
    bind=bind,
    forward=forward,
    element=lambda call, index: call.operands[0].at(index),
    partials=lambda call, position, index: [(index, ONE)],
    formula=lambda call: call.operands[0].whole(),
    gradient=lambda call, position, upstream: upstream,
    kind="copy",
    words="the same numbers",
)

DETACH = Rule(
    name="detach",
    bind=bind,
    forward=forward,
    element=lambda call, index: call.operands[0].at(index),
    formula=lambda call: Opaque(".detach()", call.wholes, (), lambda x: x),
    kind="copy",
    words="the same numbers, where a gradient stops",
    **NOTHING_BACK,
)
