"""`soft_margin_loss`: how little a number leans to the side that it should."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression
from ...trace import Array
from ..rule import Bound, elementwise
from .elementwise_loss import bind_nothing, plain, pointwise_loss


def bind(
    input: Any,
    target: Any,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Bound:
    plain(size_average=size_average, reduce=reduce)
    return (input, target), {"reduction": reduction}


def soft_margin_vjp(g: Array, y: Array, x: Array, t: Array) -> tuple[Array, None]:
    power = np.exp(-t * x)
    # PyTorch has no gradient at the sides.
    return -g * t * power / (1 + power), None


def _power(x: Expression, t: Expression) -> Expression:
    return Apply("exp", (-(t * x),))


SOFT_MARGIN_LOSS = pointwise_loss(
    elementwise(
        "soft_margin_loss",
        bind=bind_nothing,
        forward=lambda x, t: np.log1p(np.exp(-t * x)),
        vjp=soft_margin_vjp,
        expression=lambda x, t: Apply("log", (ONE + _power(x, t),)),
        derivatives=(
            lambda y, x, t: -(t * _power(x, t)) / (ONE + _power(x, t)),
            lambda y, x, t: -(x * _power(x, t)) / (ONE + _power(x, t)),
        ),
        words="how little each number leans to its side, 1 or -1",
        torch="torch.nn.functional.soft_margin_loss",
    ),
    bind,
)
