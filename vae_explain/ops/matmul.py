"""`matmul`: the matrix product of matrices, of a matrix and a vector, or of batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..expression import Add, Expression, Index, MatMul, Mul, Reshape, Transpose
from ..trace import Array
from .rule import Bound, Call, Example, Partial, Rule, sum_to, unbroadcast


def bind(input: Any, other: Any) -> Bound:
    return (input, other), {}


def as_matrices(a: Array, b: Array) -> tuple[Array, Array]:
    """Give a vector the missing axis: a row on the left, a column on the right."""
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    return left, right


def vjp(upstream: Array, output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    left, right = as_matrices(a, b)
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    full = upstream.reshape(*batch, left.shape[-2], right.shape[-1])
    to_left = unbroadcast(full @ right.swapaxes(-1, -2), left.shape)
    to_right = unbroadcast(left.swapaxes(-1, -2) @ full, right.shape)
    return to_left.reshape(a.shape), to_right.reshape(b.shape)


class _Frame:
    """Which of the output's axes are the row and the column, for vectors and batches."""

    def __init__(self, call: Call) -> None:
        a, b = call.operands
        self.a, self.b = a.shape, b.shape
        self.output = call.output.shape
        self.inner = a.shape[-1]
        self.batch = self.output[: len(self.output) - (len(a.shape) > 1) - (len(b.shape) > 1)]

    def left(self, out: Index, k: int) -> Index:
        if len(self.a) == 1:
            return (k,)
        return (*_batch_index(out, self.batch, self.a), out[len(self.batch)], k)

    def right(self, out: Index, k: int) -> Index:
        if len(self.b) == 1:
            return (k,)
        return (*_batch_index(out, self.batch, self.b), k, out[-1])


def _batch_index(out: Index, batch: tuple[int, ...], shape: tuple[int, ...]) -> Index:
    own = shape[:-2]
    tail = out[len(batch) - len(own) : len(batch)]
    return tuple(0 if size == 1 else at for at, size in zip(tail, own, strict=True))


def element(call: Call, index: Index) -> Expression:
    a, b = call.operands
    frame = _Frame(call)
    return Add(
        tuple(
            Mul((a.at(frame.left(index, k)), b.at(frame.right(index, k))))
            for k in range(frame.inner)
        )
    )


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    a, b = call.operands
    frame = _Frame(call)
    found: list[Partial] = []
    inner = index[-1] if position == 0 or len(index) == 1 else index[-2]
    for out in np.ndindex(*frame.output):
        own = frame.left(out, inner) if position == 0 else frame.right(out, inner)
        if own == index:
            other = b.at(frame.right(out, inner)) if position == 0 else a.at(frame.left(out, inner))
            found.append((out, other))
    return found


def formula(call: Call) -> Expression:
    a, b = call.operands
    return MatMul(a.whole(), b.whole())


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    a, b = call.operands
    left, right = (matrix.shape for matrix in as_matrices(a.array, b.array))
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    full = _shaped(upstream, call.output.shape, (*batch, left[-2], right[-1]))
    if position == 0:
        product = MatMul(full, Transpose(_shaped(b.whole(), b.shape, right)))
        return _shaped(sum_to(product, (*batch, *left[-2:]), left), left, a.shape)
    product = MatMul(Transpose(_shaped(a.whole(), a.shape, left)), full)
    return _shaped(sum_to(product, (*batch, *right[-2:]), right), right, b.shape)


def _shaped(body: Expression, shape: tuple[int, ...], to: tuple[int, ...]) -> Expression:
    return body if shape == to else Reshape(body, to)


_A = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.0]])
_B = np.array([[0.5, -0.25], [1.0, 1.5], [0.75, -0.5]])

MATMUL = Rule(
    name="matmul",
    bind=bind,
    forward=lambda a, b: a @ b,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    words="matrix product",
    torch="torch.matmul",
    examples=(
        Example((_A, _B)),
        Example((_A, _B[:, 0])),
        Example((_A[0], _B)),
        Example((_A[0], _B[:, 1])),
        Example((np.stack([_A, _A[::-1] * 0.5]), np.stack([_B, _B[::-1] + 0.25]))),
        Example((np.stack([_A, _A[::-1] * 0.5]), _B)),
        Example((_A[0], np.stack([_B, _B[::-1] + 0.25]))),
    ),
)
