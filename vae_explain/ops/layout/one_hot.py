"""`one_hot`: the number of a class as a row of zeros with a one in its place."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import ZERO, Apply, Expression, Index, Number
from ...trace import Array
from ..rule import Call, Rule, binder


def forward(classes: Array, num_classes: int) -> Array:
    # As in PyTorch, -1 stands for as many as there are.
    count = int(np.max(classes)) + 1 if num_classes < 0 else num_classes
    return np.asarray(np.asarray(classes)[..., None] == np.arange(count)).astype(np.int64)


def element(call: Call, index: Index) -> Expression:
    *place, own = index
    return Apply("is_zero", (call.operands[0].at(tuple(place)) - Number(float(own)),))


ONE_HOT = Rule(
    name="one_hot",
    bind=binder("input", num_classes=-1),
    forward=forward,
    vjp=lambda g, y, classes, num_classes: (None,),
    element=element,
    partials=lambda call, position, index: [],
    options=lambda call: (("classes", call.output.shape[-1]),),
    gradient=lambda call, position, upstream: ZERO,
    words="a one in the place of the class, zeros elsewhere",
    functional=True,
    broadcasts=True,
)
