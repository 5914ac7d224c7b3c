"""`matmul`: the matrix product of two matrices, or of a matrix and a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..expression import Add, Expression, Index, MatMul, Mul, Reshape, Transpose
from ..trace import Array
from .rule import Bound, Call, Example, Partial, Rule


def bind(input: Any, other: Any) -> Bound:
    return (input, other), {}


def as_matrices(a: Array, b: Array) -> tuple[Array, Array]:
    """Give a vector the missing axis: a row on the left, a column on the right."""
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    return left, right


def vjp(upstream: Array, output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    left, right = as_matrices(a, b)
    full = upstream.reshape(*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]),
                            left.shape[-2], right.shape[-1])
    to_left = full @ right.swapaxes(-1, -2)
    to_right = left.swapaxes(-1, -2) @ full
    return _fit(to_left, left.shape).reshape(a.shape), _fit(to_right, right.shape).reshape(b.shape)


def _fit(gradient: Array, shape: tuple[int, ...]) -> Array:
    extra = gradient.ndim - len(shape)
    summed = gradient.sum(axis=tuple(range(extra))) if extra else gradient
    spread = tuple(i for i, size in enumerate(shape) if size == 1 and summed.shape[i] != 1)
    return summed.sum(axis=spread, keepdims=True) if spread else summed


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
    if len(a.shape) == len(b.shape) == 2:
        if position == 0:
            return MatMul(upstream, Transpose(b.whole()))
        return MatMul(Transpose(a.whole()), upstream)
    if len(a.shape) > 2 or len(b.shape) > 2:
        from .rule import NotExplained

        raise NotExplained("a formula for batched matmul")
    rows = a.shape[0] if len(a.shape) == 2 else 1
    columns = b.shape[1] if len(b.shape) == 2 else 1
    full = Reshape(upstream, (rows, columns))
    if position == 0:
        right = Reshape(b.whole(), (b.shape[0], columns))
        return Reshape(MatMul(full, Transpose(right)), a.shape)
    left = Reshape(a.whole(), (rows, a.shape[-1]))
    return Reshape(MatMul(Transpose(left), full), b.shape)


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
    ),
)
