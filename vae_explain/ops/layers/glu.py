"""`glu`: one half of a tensor, each number of it times the sigmoid of its own in the other.

Dauphin et al., "Language Modeling with Gated Convolutional Networks" (2017), equation 1.
"""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import ONE, Apply, Expression, Index
from ...trace import Array
from ..array_functions import sigmoid
from ..binding import binder
from ..layout.select import at_axis, taken
from ..rule import Call, Partial, Rule


def _halves(x: Array, dim: int) -> tuple[Array, Array]:
    kept, gates = np.split(x, 2, axis=dim)
    return kept, gates


def vjp(g: Array, y: Array, x: Array, dim: int) -> tuple[Array]:
    kept, gates = _halves(x, dim)
    open_by = sigmoid(gates)
    return (np.concatenate([g * open_by, g * kept * open_by * (1 - open_by)], axis=dim),)


def _at(call: Call, index: Index) -> tuple[Expression, Expression]:
    """Return the number that an output keeps, and how far its gate is open."""
    x = call.operands[0]
    axis = call.attributes["dim"] % len(index)
    other = (*index[:axis], index[axis] + call.output.shape[axis], *index[axis + 1 :])
    return x.at(index), Apply("sigmoid", (x.at(other),))


def element(call: Call, index: Index) -> Expression:
    kept, gate = _at(call, index)
    return kept * gate


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    axis = call.attributes["dim"] % len(index)
    size = call.output.shape[axis]
    if index[axis] < size:
        return [(index, _at(call, index)[1])]
    out = (*index[:axis], index[axis] - size, *index[axis + 1 :])
    kept, gate = _at(call, out)
    return [(out, kept * gate * (ONE - gate))]


def formula(call: Call) -> Expression:
    x, axis = call.operands[0].whole(), call.attributes["dim"] % len(call.output.shape)
    size = call.output.shape[axis]
    parts = (slice(size), slice(size, None))
    kept, gates = (taken(x, at_axis(axis, axis + 1, part)) for part in parts)
    return kept * Apply("sigmoid", (gates,))


GLU = Rule(
    name="glu",
    bind=binder("input", dim=-1),
    forward=lambda x, dim: np.asarray(_halves(x, dim)[0] * sigmoid(_halves(x, dim)[1])),
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    usual={},  # the axis says which halves they are
    title="GLU",
    words="one half, gated by the sigmoid of the other",
    functional=True,
)
