"""How far rows lie apart: `pairwise_distance`, row by row, and `cdist`, each from each.

A distance is the length of a difference, so each is the rule of `norms.py` around one: a
difference that has no name of its own. Their orders are those there, and so is what PyTorch
does where two rows are the same: it passes nothing. Of differences that are the largest alike
`cdist` passes the whole gradient to each, where a norm shares it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...symbolic.expression import Add, Expression, Index, Neg, Number, Reshape
from ...trace import Array
from ..rule import (
    Bound,
    Call,
    Operand,
    Partial,
    Rule,
    broadcast_index,
    broadcast_targets,
    sum_to,
    unbroadcast,
)
from . import norms

Shape = tuple[int, ...]
# Which axis of length 1 each of the two is given, counted from behind, so that they face
# each other: none to go row by row; rows against columns for each from each.
Facing = tuple[int | None, int | None]
ROW_BY_ROW: Facing = (None, None)
EACH_FROM_EACH: Facing = (-2, -3)


def _faced(shape: Shape, added: int | None) -> Shape:
    if added is None:
        return shape
    at = len(shape) + 1 + added
    return (*shape[:at], 1, *shape[at:])


def _own(index: Index, added: int | None) -> Index:
    """Return the index in an operand itself, for one in the shape in which it is faced."""
    if added is None:
        return index
    at = len(index) + added
    return (*index[:at], *index[at + 1 :])


def _difference(a: Array, b: Array, facing: Facing, eps: float) -> Array:
    first, second = (
        x.reshape(_faced(x.shape, added)) for x, added in zip((a, b), facing, strict=True)
    )
    apart: Array = first - second
    return apart + np.asarray(eps, apart.dtype) if eps else apart


@dataclass(frozen=True)
class _Difference:
    """What is between two tensors, its last axis that of the coordinates."""

    operands: tuple[Operand, ...]
    facing: Facing
    eps: float

    def faced(self, position: int) -> Shape:
        return _faced(self.operands[position].shape, self.facing[position])

    @property
    def shape(self) -> Shape:
        return np.broadcast_shapes(self.faced(0), self.faced(1))

    @property
    def array(self) -> Array:
        a, b = (operand.array for operand in self.operands)
        return _difference(a, b, self.facing, self.eps)

    def at(self, index: Index) -> Expression:
        a, b = (
            operand.at(_own(broadcast_index(index, self.faced(position)), self.facing[position]))
            for position, operand in enumerate(self.operands)
        )
        return self._apart(a, b)

    def whole(self) -> Expression:
        a, b = (
            operand.whole() if added is None else Reshape(operand.whole(), self.faced(position))
            for position, (operand, added) in enumerate(
                zip(self.operands, self.facing, strict=True)
            )
        )
        return self._apart(a, b)

    def _apart(self, a: Expression, b: Expression) -> Expression:
        return Add((a, Neg(b), Number(self.eps))) if self.eps else a - b


def distance(name: str, bind: Callable[..., Bound], facing: Facing, words: str, torch: str) -> Rule:
    """Make the rule of a distance; `bind` has the attributes `p`, `keepdim` and `eps`."""

    def length(p: float, keepdim: bool) -> dict[str, Any]:
        shared = facing == ROW_BY_ROW
        return {"p": p, "dim": -1, "keepdim": keepdim, "shared": shared}

    def inner(call: Call) -> Call:
        """Return the length's call, whose only operand is the difference."""
        eps, p, keepdim = (call.attributes[key] for key in ("eps", "p", "keepdim"))
        apart = _Difference(call.operands, facing, eps)
        return Call((apart,), call.output, length(p, keepdim))

    def forward(a: Array, b: Array, p: float, eps: float, keepdim: bool) -> Array:
        return norms.forward(_difference(a, b, facing, eps), **length(p, keepdim))

    def vjp(
        g: Array, y: Array, a: Array, b: Array, p: float, eps: float, keepdim: bool
    ) -> tuple[Array, Array]:
        apart = _difference(a, b, facing, eps)
        (found,) = norms.vjp(g, y, apart, **length(p, keepdim))
        to_a, to_b = (
            unbroadcast(part, _faced(x.shape, added)).reshape(x.shape)
            for part, x, added in zip((found, -found), (a, b), facing, strict=True)
        )
        return to_a, to_b

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        of_length = inner(call)
        (apart,) = of_length.operands
        added, shape = facing[position], call.operands[position].shape
        at = len(index) + 1 + (added or 0)
        own = index if added is None else (*index[:at], 0, *index[at:])
        found: dict[Index, list[Expression]] = {}
        for full in broadcast_targets(own, _faced(shape, added), apart.shape):
            for out, local in norms.partials(of_length, 0, full):
                found.setdefault(out, []).append(Neg(local) if position else local)
        return [
            (out, Add(tuple(ways)) if len(ways) > 1 else ways[0]) for out, ways in found.items()
        ]

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        of_length = inner(call)
        (apart,) = of_length.operands
        found = norms.gradient(of_length, 0, upstream)
        shape = call.operands[position].shape
        faced = _faced(shape, facing[position])
        summed = sum_to(Neg(found) if position else found, apart.shape, faced)
        return summed if faced == shape else Reshape(summed, shape)

    return Rule(
        name=name,
        bind=bind,
        forward=forward,
        vjp=vjp,
        element=lambda call, index: norms.element(inner(call), index),
        partials=partials,
        formula=lambda call: norms.formula(inner(call)),
        gradient=gradient,
        title="distances",
        words=words,
        torch=torch,
        broadcasts=True,
    )


def bind_pairwise(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False
) -> Bound:
    return (x1, x2), {"p": norms.order(p), "eps": eps, "keepdim": keepdim}


def bind_cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Bound:
    # The mode chooses between ways of computing the same.
    return (x1, x2), {"p": norms.order(p), "eps": 0.0, "keepdim": False}


PAIRWISE_DISTANCE = distance(
    "pairwise_distance",
    bind_pairwise,
    ROW_BY_ROW,
    "how far the rows of one lie from those of the other",
    "torch.nn.functional.pairwise_distance",
)
CDIST = distance(
    "cdist",
    bind_cdist,
    EACH_FROM_EACH,
    "how far each row of one lies from each of the other",
    "torch.cdist",
)
