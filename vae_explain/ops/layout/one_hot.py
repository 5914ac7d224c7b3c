"""`one_hot`: the number of a class as a row of zeros with a one in its place."""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import Apply, Expression, Index, Number
from ...trace import Array
from ..binding import binder
from ..rule import NOTHING_BACK, Call, Rule


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
    element=element,
    options=lambda call: (("classes", call.output.shape[-1]),),
    words="a one in the place of the class, zeros elsewhere",
    functional=True,
    **NOTHING_BACK,
)
