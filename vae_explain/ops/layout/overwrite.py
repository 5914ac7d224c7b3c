"""Writing over all of a tensor: `copy_`, `fill_`, `zero_`.

What stood there before has no part in what comes out, and gets a gradient of zeros.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...symbolic.expression import ZERO, Expression
from ...symbolic.shapes import expanded
from ...trace import Array
from ..binding import Bound, Ignored, binder
from ..broadcasting import sum_to
from ..copying import copying
from ..rule import Call, Rule

VALUE = 1


def forward(x: Array, value: Array) -> Array:
    number = np.asarray(value)
    real = number if np.issubdtype(number.dtype, np.inexact) else number.astype(np.float64)
    return np.broadcast_to(real, x.shape)


def formula(call: Call) -> Expression:
    return expanded(call.operands[VALUE].whole(), call.output.shape)


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position != VALUE:
        return ZERO
    return sum_to(upstream, call.output.shape, call.operands[VALUE].shape)


def overwriting(name: str, bind: Callable[..., Bound], torch: str = "") -> Rule:
    """Make the rule of an op that puts other numbers in the place of all of its first operand."""
    return copying(
        name,
        bind=bind,
        forward=forward,
        formula=formula,
        gradient=gradient,
        words="other numbers in its place",
        torch=torch,
        broadcasts=True,
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
    broadcasts=True,
)
