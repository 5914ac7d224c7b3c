"""Diagonals: taken out by `diagonal` and `diag`, put in by `diag_embed`, summed by `trace`.

And one side of a diagonal, which `tril` and `triu` keep.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...symbolic.expression import ONE, Add, Expression, Opaque
from ...trace import Array
from ..binding import binder
from ..copying import copying
from ..rule import Call, Rule

DIAGONAL = copying(
    "diagonal",
    bind=binder("input", offset=0, dim1=0, dim2=1),
    forward=lambda x, offset, dim1, dim2: np.diagonal(x, offset, dim1, dim2),
    words="the diagonal",
)


DIAG = copying(
    "diag",
    bind=binder("input", diagonal=0),
    # Of a vector a matrix with it on a diagonal, of a matrix its diagonal.
    forward=lambda x, diagonal: np.diag(x, diagonal),
    words="the diagonal, or what has it",
)


def diag_embed(x: Array, offset: int, dim1: int, dim2: int) -> Array:
    rows = np.arange(x.shape[-1]) + max(-offset, 0)
    columns = np.arange(x.shape[-1]) + max(offset, 0)
    size = x.shape[-1] + abs(offset)
    matrices = np.zeros((*x.shape[:-1], size, size), x.dtype)
    matrices[..., rows, columns] = x
    return np.moveaxis(matrices, (-2, -1), (dim1, dim2))


DIAG_EMBED = copying(
    "diag_embed",
    bind=binder("input", offset=0, dim1=-2, dim2=-1),
    forward=diag_embed,
    words="matrices with it on their diagonals",
    # Its zeros are many more than its numbers.
    vjp=lambda g, y, x, offset, dim1, dim2: (np.diagonal(g, offset, dim1, dim2),),
)


TRACE = Rule(
    name="trace",
    bind=binder("input"),
    forward=lambda x: np.asarray(np.trace(x)),
    vjp=lambda g, y, x: (np.asarray(g) * np.eye(*x.shape, dtype=np.asarray(g).dtype),),
    element=lambda call, index: Add(
        tuple(call.operands[0].at((i, i)) for i in range(min(call.operands[0].shape)))
    ),
    partials=lambda call, position, index: [((), ONE)] if index[0] == index[1] else [],
    kind="reduction",
    words="the sum of the diagonal",
)

# --- one side of a diagonal -------------------------------------------------------------


def triangle(name: str, cut: Callable[[Array, int], Array], words: str) -> Rule:
    """Make the rule of an op that keeps one side of a diagonal, as its VJP does."""

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        diagonal, shape = call.attributes["diagonal"], call.output.shape
        return Opaque(
            name,
            (upstream,),
            rule.options(call),
            lambda g: cut(np.broadcast_to(g, shape), diagonal),
        )

    rule = copying(
        name,
        bind=binder("input", diagonal=0),
        forward=lambda x, diagonal: cut(x, diagonal),
        gradient=gradient,
        words=words,
    )
    return rule


TRIL = triangle("tril", np.tril, "what is on the diagonal and below")
TRIU = triangle("triu", np.triu, "what is on the diagonal and above")
