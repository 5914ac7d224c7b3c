"""`soft_margin_loss`: how little a number leans to the side that it should."""

from __future__ import annotations

import numpy as np

from ...symbolic.build import exp, log
from ...symbolic.expression import ONE, Expression
from ..binding import binder
from ..pointwise import elementwise
from .elementwise_loss import OLD, pointwise_loss

TARGET = 1


def _power(x: Expression, t: Expression) -> Expression:
    return exp(-(t * x))


SOFT_MARGIN_LOSS = pointwise_loss(
    elementwise(
        "soft_margin_loss",
        lambda x, t: log(ONE + _power(x, t)),
        bind=binder("input", "target", **OLD, reduction="mean"),
        forward=lambda x, t: np.log1p(np.exp(-t * x)),
        derivatives=(lambda y, x, t: -(t * _power(x, t)) / (ONE + _power(x, t)),),
        no_gradient=(TARGET,),
        words="how little each number leans to its side, 1 or -1",
    )
)
