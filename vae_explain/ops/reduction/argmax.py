"""Where numbers stand by their size: `argmax` and `argmin`.

Whole numbers come out, counted from 0, and nothing goes back: a small change of what is
compared leaves the places as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...symbolic.expression import Apply, Expression, Index
from ...trace import Array
from ..binding import binder
from ..rule import NOTHING_BACK, Call, Rule
from .axes import axis_options, sources


def position(name: str, words: str) -> Rule:
    """Make one of the two rules."""
    pick: Callable[..., Any] = np.argmax if name == "argmax" else np.argmin

    def forward(x: Array, dim: int | None, keepdim: bool) -> Array:
        # Of several equal ones it is the first, and a NaN comes first of all, as in PyTorch.
        return np.asarray(pick(x, axis=dim, keepdims=keepdim) if np.ndim(x) else 0)

    def element(call: Call, index: Index) -> Expression:
        """Write one place as that of the extreme among the numbers that were compared."""
        x = call.operands[0]
        return Apply(name, tuple(x.at(at) for at in sources(call, index)))

    return Rule(
        name=name,
        bind=binder("input", dim=None, keepdim=False),
        forward=forward,
        element=element,
        options=partial(axis_options, keepdim=True),
        words=words,
        **NOTHING_BACK,
    )


ARGMAX = position("argmax", "the place of the largest, counted from 0")
ARGMIN = position("argmin", "the place of the smallest, counted from 0")
