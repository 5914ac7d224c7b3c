"""Matrices that are solved with: `linalg.inv`, `linalg.solve`, `linalg.det`, `logdet`, …

The gradients are those of M. Giles, "An extended collection of matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008).
"""

from __future__ import annotations

import numpy as np

from ...symbolic.expression import (
    ZERO,
    Add,
    Apply,
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
from ..rule import (
    Call,
    Partial,
    Refused,
    Rule,
    binder,
    broadcast_targets,
    indices,
    sum_to,
    unbroadcast,
)
from .inverse_elements import BY_COFACTORS, Inverse, inverted, matrix_index, transposed

# --- the inverse ------------------------------------------------------------------------


def inv_vjp(g: Array, y: Array, a: Array) -> tuple[Array]:
    return (-transposed(y) @ g @ transposed(y),)


def inv_element(call: Call, index: Index) -> Expression:
    *batch, row, column = index
    whole = Inverse(call.operands[0], tuple(batch))
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
    vjp=inv_vjp,
    element=inv_element,
    partials=inv_partials,
    gradient=inv_gradient,
    words="the inverse matrix",
)

# --- determinants -----------------------------------------------------------------------


def _by_inverse(call: Call, index: Index, factor: Expression | None) -> list[Partial]:
    *batch, row, column = index
    slope = Inverse(call.operands[0], tuple(batch)).at(column, row)
    return [(tuple(batch), slope if factor is None else Mul((factor, slope)))]


def _spread(upstream: Expression, call: Call) -> Expression:
    """Give what arrives at one number for each matrix the axes of the matrix."""
    shape = call.output.shape
    return Reshape(upstream, (*shape, 1, 1)) if shape else upstream


def _inverse_turned(call: Call) -> Expression:
    return Transpose(Opaque("inv", (call.operands[0].whole(),), (), inverted))


def _logdet(a: Array) -> Array:
    if np.iscomplexobj(a):
        return np.asarray(np.log(np.linalg.det(a)))
    sign, size = np.linalg.slogdet(a)
    return np.asarray(np.where(sign < 0, np.full_like(size, np.nan), size))


def _determinant(call: Call, index: Index) -> Expression:
    return Inverse(call.operands[0], index).determinant()


def _arriving(g: Array) -> Array:
    return np.asarray(g)[..., None, None]


DET = Rule(
    name="linalg_det",
    bind=binder("input"),
    forward=lambda a: np.asarray(np.linalg.det(a)),
    vjp=lambda g, y, a: (_arriving(np.asarray(g) * y) * transposed(inverted(a)),),
    element=_determinant,
    partials=lambda call, position, index: _by_inverse(call, index, call.output.at(index[:-2])),
    gradient=lambda call, position, upstream: (
        _spread(upstream * call.output.whole(), call) * _inverse_turned(call)
    ),
    words="the determinant",
)

LOGDET = Rule(
    name="logdet",
    bind=binder("input"),
    forward=_logdet,
    vjp=lambda g, y, a: (_arriving(g) * transposed(inverted(a)),),
    element=lambda call, index: Apply("log", (_determinant(call, index),)),
    partials=lambda call, position, index: _by_inverse(call, index, None),
    gradient=lambda call, position, upstream: _spread(upstream, call) * _inverse_turned(call),
    words="the logarithm of the determinant",
)

SIGN, SIZE = 0, 1  # the outputs of `slogdet`


def slogdet_forward(a: Array, output: int) -> Array:
    return np.asarray(np.linalg.slogdet(a)[output])


def slogdet_vjp(g: Array, y: Array, a: Array, output: int) -> tuple[Array]:
    if output == SIGN:
        return (np.zeros_like(a),)
    return (_arriving(g) * transposed(inverted(a)),)


SLOGDET = Rule(
    name="linalg_slogdet",
    bind=binder("input"),
    forward=slogdet_forward,
    vjp=slogdet_vjp,
    element=lambda call, index: (
        Apply("sign", (_determinant(call, index),))
        if call.attributes["output"] == SIGN
        else Apply("log", (Apply("abs", (_determinant(call, index),)),))
    ),
    partials=lambda call, position, index: (
        [] if call.attributes["output"] == SIGN else _by_inverse(call, index, None)
    ),
    formula=lambda call: Opaque(
        "sign_of_det" if call.attributes["output"] == SIGN else "logabsdet",
        (call.operands[0].whole(),),
        (),
        lambda a: slogdet_forward(a, call.attributes["output"]),
    ),
    gradient=lambda call, position, upstream: (
        ZERO * Reshape(upstream, (*call.output.shape, 1, 1)) * call.operands[0].whole()
        if call.attributes["output"] == SIGN
        else _spread(upstream, call) * _inverse_turned(call)
    ),
    words="the sign of the determinant, and the logarithm of its size",
    several=True,
)

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


def solve_vjp(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    if is_vector(a.shape, b.shape):
        to_b = solve_forward(transposed(a), g)
        return unbroadcast(-to_b[..., None] * y[..., None, :], a.shape), unbroadcast(to_b, b.shape)
    to_b = inverse_times(transposed(a), g)
    return unbroadcast(-to_b @ transposed(y), a.shape), unbroadcast(to_b, b.shape)


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
    inverse, b = Inverse(call.operands[0], batch), call.operands[1]
    terms = tuple(
        Mul((inverse.at(row, k), b.at(frame.right(batch, k, column)))) for k in range(frame.size)
    )
    return Add(terms) if len(terms) > 1 else terms[0]


def solve_partials(call: Call, position: int, index: Index) -> list[Partial]:
    frame = _Frame(call)
    a, b = call.operands
    found: list[Partial] = []
    if position == 0:
        *own, row, column = index
        for batch in broadcast_targets(tuple(own), a.shape[:-2], frame.batch):
            inverse = Inverse(a, batch)
            found += [
                (
                    (*batch, p, *right),
                    Neg(Mul((inverse.at(p, row), call.output.at((*batch, column, *right))))),
                )
                for p in range(frame.size)
                for right in frame.columns
            ]
        return found
    depth = len(b.shape) - (1 if frame.vector else 2)
    lead, row, right = index[:depth], index[depth], index[depth + 1 :]
    for batch in broadcast_targets(lead, b.shape[:depth], frame.batch):
        inverse = Inverse(a, batch)
        found += [((*batch, p, *right), inverse.at(p, row)) for p in range(frame.size)]
    return found


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
    vjp=solve_vjp,
    element=solve_element,
    partials=solve_partials,
    gradient=solve_gradient,
    words="what the matrix has to be multiplied with to give the right side",
)
