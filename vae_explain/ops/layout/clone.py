"""The same numbers again, or others in the place of all: `clone`, `detach`, `copy_`, `fill_`, …

Changes of memory layout and of precision (`contiguous`, `to`, `float`) are `clone` here: the
arithmetic does not see them. Where other numbers are written, what stood there before has no part
in what comes out, and gets a gradient of zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...symbolic.expression import ONE, ZERO, Expression, Opaque
from ...symbolic.shapes import expanded
from ...trace import Array
from ..binding import Bound, Ignored, binder
from ..broadcasting import sum_to
from ..copying import copying
from ..rule import NOTHING_BACK, Call, Rule


def bind(input: Any, *args: Any, **kwargs: Any) -> Bound:
    return (input,), {}


def _varies(x: Array) -> bool:
    return bool(np.issubdtype(x.dtype, np.inexact))


def as_numbers(x: Array) -> Array:
    # What was true or counted becomes a number like any other.
    return x if _varies(x) else x.astype(np.float64)


CLONE = Rule(
    name="clone",
    bind=bind,
    forward=as_numbers,
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
    forward=as_numbers,
    element=lambda call, index: call.operands[0].at(index),
    formula=lambda call: Opaque(".detach()", call.wholes, (), lambda x: x),
    kind="copy",
    words="the same numbers, where a gradient stops",
    **NOTHING_BACK,
)

# --- written over -----------------------------------------------------------------------

VALUE = 1


def overwritten(x: Array, value: Array) -> Array:
    number = np.asarray(value)
    real = number if np.issubdtype(number.dtype, np.inexact) else number.astype(np.float64)
    return np.broadcast_to(real, x.shape)


def overwritten_formula(call: Call) -> Expression:
    return expanded(call.operands[VALUE].whole(), call.output.shape)


def overwritten_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position != VALUE:
        return ZERO
    return sum_to(upstream, call.output.shape, call.operands[VALUE].shape)


def overwriting(name: str, bind: Callable[..., Bound], torch: str = "") -> Rule:
    """Make the rule of an op that puts other numbers in the place of all of its first operand."""
    return copying(
        name,
        bind=bind,
        forward=overwritten,
        formula=overwritten_formula,
        gradient=overwritten_gradient,
        words="other numbers in its place",
        torch=torch,
        gradient_broadcasts=True,
    )


COPY = overwriting("copy", binder("input", "src", non_blocking=Ignored()), "torch.Tensor.copy_")
FILL = overwriting("fill", binder("input", "value"))


ZERO_OUT = Rule(
    name="zero",
    bind=binder("input"),
    forward=np.zeros_like,
    element=lambda call, index: ZERO,
    partials=lambda call, position, index: [],
    formula=lambda call: expanded(ZERO, call.output.shape),
    gradient=lambda call, position, upstream: ZERO,
    words="zeros in its place",
    torch="torch.zero_",
    gradient_broadcasts=True,
)
