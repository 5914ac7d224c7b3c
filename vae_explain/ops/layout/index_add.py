"""Numbers put into whole rows that an index names: `index_add`, `index_copy`.

Each is a scatter whose index is the same along all other axes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...symbolic.expression import Expression, Index, Number, Reshape
from ...symbolic.shapes import expanded
from ...trace import Array
from ..binding import OPERAND, REQUIRED, Bound, Refused, binder
from ..delegate import delegated
from ..rule import Call, Operand, Rule, by_default
from .scatter import SCATTER
from .scatter_reduce import SCATTER_ADD

Shape = tuple[int, ...]


@dataclass(frozen=True)
class _Spread:
    """An index of rows, spread over the rows: an operand as a scatter has it."""

    index: Operand
    shape: Shape
    dim: int

    @property
    def thin(self) -> Shape:
        """The shape that goes with the rows once it is repeated."""
        axis = self.dim % len(self.shape)
        return tuple(size if at == axis else 1 for at, size in enumerate(self.shape))

    @property
    def array(self) -> Array:
        return np.broadcast_to(self.index.array.reshape(self.thin), self.shape)

    def at(self, index: Index) -> Expression:
        return Number(float(self.array[index]))

    def whole(self) -> Expression:
        return expanded(Reshape(self.index.whole(), self.thin), self.shape)


def rows_of(x: Shape, index: Array, dim: int) -> Shape:
    """Return the shape of as many rows of a tensor as an index names."""
    axis = dim % len(x)
    return (*x[:axis], index.size, *x[axis + 1 :])


def by_rows(name: str, scatter: Rule, bind: Callable[..., Bound], words: str) -> Rule:
    """Make the rule of an op that is a scatter of whole rows."""

    def spread(x: Array, index: Array, dim: int) -> Array:
        thin = tuple(-1 if at == dim % x.ndim else 1 for at in range(x.ndim))
        return np.broadcast_to(index.reshape(thin), rows_of(x.shape, index, dim))

    def forward(x: Array, index: Array, source: Array, dim: int) -> Array:
        return scatter.forward(x, spread(x, index, dim), source, dim=dim)

    def inner(call: Call) -> Call:
        x, index, source = call.operands
        dim = call.attributes["dim"]
        shape = rows_of(x.shape, index.array, dim)
        return replace(call, operands=(x, _Spread(index, shape, dim), source))

    return replace(
        scatter,
        name=name,
        bind=bind,
        forward=forward,
        vjp=by_default,
        **delegated(lambda call: (scatter, inner(call))),
        words=words,
        chosen_by=None,
    )


bind_copy = binder("input", dim=REQUIRED, index=OPERAND, source=OPERAND)
bind_add = binder("input", dim=REQUIRED, index=OPERAND, source=OPERAND, alpha=Refused(1))
INDEX_ADD = by_rows("index_add", SCATTER_ADD, bind_add, "rows added to those that an index names")
INDEX_COPY = by_rows(
    "index_copy", SCATTER, bind_copy, "rows put in the place of those that an index names"
)
