"""Matrices that are solved with: `linalg.inv`, `linalg.solve`, `linalg.det`, `logdet`, …

The gradients are those of M. Giles, "An extended collection of matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ...symbolic.build import absolute, log, sign, summed
from ...symbolic.expression import (
    ZERO,
    Expression,
    Index,
    MatMul,
    Mul,
    Neg,
    Opaque,
    Reshape,
    Transpose,
)
from ...trace import Array
from ..binding import Refused, binder
from ..broadcasting import broadcast_targets, indices, sum_to
from ..delegate import each_output
from ..rule import Call, Partial, Rule
from .inverse_elements import BY_COFACTORS, Inverse, inverted, matrix_index

# --- the inverse ------------------------------------------------------------------------


def _inverse(call: Call, batch: Index) -> Inverse:
    return Inverse(call.operands[0], batch, as_computed=call.as_computed)


def inv_element(call: Call, index: Index) -> Expression:
    *batch, row, column = index
    whole = _inverse(call, tuple(batch))
    if call.as_computed:
        return whole.at(row, column)
    if whole.size <= BY_COFACTORS:
        return whole.by_cofactors(row, column)
    later = [call.output.at((*batch, k, column)) for k in range(row + 1, whole.size)]
    return whole.by_elimination(row, column, later)


def inv_partials(call: Call, position: int, index: Index) -> list[Partial]:
    *batch, row, column = index
    y, size = call.output, call.output.shape[-1]
    return [
        ((*batch, p, q), Neg(Mul((y.at((*batch, p, row)), y.at((*batch, column, q))))))
        for p, q in indices((size, size))
    ]


def inv_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    turned = Transpose(call.output.whole())
    return Neg(MatMul(MatMul(turned, upstream), turned))


INV = Rule(
    name="linalg_inv",
    bind=binder("input"),
    forward=inverted,
    element=inv_element,
    partials=inv_partials,
    gradient=inv_gradient,
    words="the inverse matrix",
)

# --- determinants -----------------------------------------------------------------------


def determinant(
    name: str,
    forward: Callable[..., Array],
    written: Callable[[Expression], Expression],
    words: str,
    scaled: bool = False,
    **fields: Any,
) -> Rule:
    """Make the rule of a number that a determinant gives.

    Parameters
    ----------
    written
        The number, by the determinant.
    scaled
        Whether its gradient, by the inverse, has the number itself as a factor.
    """

    def partials(call: Call, position: int, index: Index) -> list[Partial]:
        *batch, row, column = index
        slope = _inverse(call, tuple(batch)).at(column, row)
        out = tuple(batch)
        return [(out, Mul((call.output.at(out), slope)) if scaled else slope)]

    def gradient(call: Call, position: int, upstream: Expression) -> Expression:
        shape = call.output.shape
        body = upstream * call.output.whole() if scaled else upstream
        arriving = Reshape(body, (*shape, 1, 1)) if shape else body
        return arriving * Transpose(INV.named(call))

    return Rule(
        name=name,
        bind=binder("input"),
        forward=forward,
        element=lambda call, at: written(_inverse(call, at).determinant()),
        partials=partials,
        gradient=gradient,
        words=words,
        **fields,
    )


def _logdet(a: Array) -> Array:
    if np.iscomplexobj(a):
        return np.asarray(np.log(np.linalg.det(a)))
    sign, size = np.linalg.slogdet(a)
    return np.asarray(np.where(sign < 0, np.full_like(size, np.nan), size))


DET = determinant(
    "linalg_det",
    lambda a: np.asarray(np.linalg.det(a)),
    lambda number: number,
    "the determinant",
    scaled=True,
)
LOGDET = determinant("logdet", _logdet, log, "the logarithm of the determinant")

SIGN, SIZE = 0, 1  # the outputs of `slogdet`

_SIZE = determinant(
    "linalg_slogdet",
    lambda a: np.asarray(np.linalg.slogdet(a)[SIZE]),
    lambda number: log(absolute(number)),
    "the sign of the determinant, and the logarithm of its size",
    shown="logabsdet",
)
_SIGN = replace(
    _SIZE,
    forward=lambda a: np.asarray(np.linalg.slogdet(a)[SIGN]),
    element=lambda call, at: sign(_inverse(call, at).determinant()),
    partials=lambda call, position, index: [],
    gradient=lambda call, position, upstream: (
        ZERO * Reshape(upstream, (*call.output.shape, 1, 1)) * call.operands[0].whole()
    ),
    shown="sign_of_det",
)
SLOGDET = each_output(_SIGN, _SIZE)

# --- equations --------------------------------------------------------------------------


def is_vector(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether the right side is a vector for each matrix, as PyTorch takes it."""
    return len(b) == 1 or (len(a) - 1 == len(b) and b == a[:-1])


def solve_forward(a: Array, b: Array) -> Array:
    if is_vector(a.shape, b.shape):
        return np.asarray((inverse_times(a, b[..., None]))[..., 0])
    return inverse_times(a, b)


def inverse_times(a: Array, b: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(a, b))
    except np.linalg.LinAlgError:
        return np.asarray(inverted(a) @ b)


class _Frame:
    """Which axes of a solution are the row and, where there is one, the column."""

    def __init__(self, call: Call) -> None:
        a, b = call.operands
        self.vector = is_vector(a.shape, b.shape)
        self.call, self.size = call, a.shape[-1]
        behind = 1 if self.vector else 2
        self.batch = call.output.shape[: len(call.output.shape) - behind]
        self.columns: list[Index] = (
            [()] if self.vector else [(j,) for j in range(call.output.shape[-1])]
        )

    def right(self, batch: Index, row: int, column: Index) -> Index:
        shape = self.call.operands[1].shape
        return matrix_index(batch, (*shape, 1) if self.vector else shape, row, *column)


def solve_element(call: Call, index: Index) -> Expression:
    frame = _Frame(call)
    depth = len(frame.batch)
    batch, row, column = index[:depth], index[depth], index[depth + 1 :]
    inverse, b = _inverse(call, batch), call.operands[1]
    return summed(
        Mul((inverse.at(row, k), b.at(frame.right(batch, k, column)))) for k in range(frame.size)
    )


def solve_partials(call: Call, position: int, index: Index) -> list[Partial]:
    frame = _Frame(call)
    a, b = call.operands
    slopes: list[Partial] = []
    if position == 0:
        *own, row, column = index
        for batch in broadcast_targets(tuple(own), a.shape[:-2], frame.batch):
            inverse = _inverse(call, batch)
            slopes += [
                (
                    (*batch, p, *right),
                    Neg(Mul((inverse.at(p, row), call.output.at((*batch, column, *right))))),
                )
                for p in range(frame.size)
                for right in frame.columns
            ]
        return slopes
    depth = len(b.shape) - (1 if frame.vector else 2)
    lead, row, right = index[:depth], index[depth], index[depth + 1 :]
    for batch in broadcast_targets(lead, b.shape[:depth], frame.batch):
        inverse = _inverse(call, batch)
        slopes += [((*batch, p, *right), inverse.at(p, row)) for p in range(frame.size)]
    return slopes


def solve_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    a, b = call.operands
    shape = call.output.shape
    to_b: Expression = Opaque("solve", (Transpose(a.whole()), upstream), (), solve_forward)
    if position == 1:
        return sum_to(to_b, shape, b.shape)
    x: Expression = call.output.whole()
    if is_vector(a.shape, b.shape):
        to_b = Reshape(to_b, (*shape, 1))
        x = Reshape(x, (*shape[:-1], 1, shape[-1]))
        return sum_to(Neg(MatMul(to_b, x)), (*shape, shape[-1]), a.shape)
    return sum_to(Neg(MatMul(to_b, Transpose(x))), (*shape[:-1], shape[-2]), a.shape)


SOLVE = Rule(
    name="linalg_solve",
    bind=binder("input", "other", left=Refused(True, "left=False")),
    forward=solve_forward,
    element=solve_element,
    partials=solve_partials,
    gradient=solve_gradient,
    words="what the matrix has to be multiplied with to give the right side",
)
