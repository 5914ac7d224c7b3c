"""`mse_loss`: the squared differences of two tensors, summed, averaged or one by one."""

from __future__ import annotations

from dataclasses import replace

from ...symbolic.build import TWO, square
from ...trace import Array
from ..binding import Refused, binder
from ..broadcasting import unbroadcast
from ..pointwise import elementwise
from .elementwise_loss import OLD, pointwise_loss


def vjp(
    upstream: Array, output: Array, a: Array, b: Array, reduction: str
) -> tuple[Array | None, ...]:
    difference = a - b
    gradient = upstream * 2 * difference
    if reduction == "mean":
        gradient = gradient / difference.size
    return unbroadcast(gradient, a.shape), unbroadcast(-gradient, b.shape)


_SQUARES = elementwise(
    "mse_loss",
    lambda a, b: square(a - b),
    bind=binder("input", "target", **OLD, reduction="mean", weight=Refused()),
    derivatives=(lambda y, a, b: TWO * (a - b), lambda y, a, b: TWO * (b - a)),
    words="squared differences",
)
# Divided last, which is the order of the reference figures.
MSE_LOSS = replace(pointwise_loss(_SQUARES, folded=True), vjp=vjp, spreads=False)
