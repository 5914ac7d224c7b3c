"""`matmul` and `bmm`: the matrix product of matrices, matrix and vector, or batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from ...symbolic.expression import (
    Add,
    Expression,
    Index,
    MatMul,
    Mul,
    Reshape,
    Transpose,
)
from ...trace import Array
from ..rule import (
    Call,
    Partial,
    Rule,
    binder,
    broadcast_targets,
    sum_to,
    unbroadcast,
)


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
        self.inner = a.shape[-1]
        self.batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])

    def left(self, out: Index, k: int) -> Index:
        if len(self.a) == 1:
            return (k,)
        return (*_batch_index(out, self.batch, self.a), out[len(self.batch)], k)

    def right(self, out: Index, k: int) -> Index:
        if len(self.b) == 1:
            return (k,)
        return (*_batch_index(out, self.batch, self.b), k, out[-1])

    def outputs(self, position: int, index: Index) -> Iterator[Index]:
        """Yield the output indices that one element of an operand went into."""
        shape = self.a if position == 0 else self.b
        axes: list[Iterable[int]] = []  # a vector gave the output no axis of its own
        if len(self.a) > 1:
            axes.append(index[-2:-1] if position == 0 else range(self.a[-2]))
        if len(self.b) > 1:
            axes.append(index[-1:] if position == 1 else range(self.b[-1]))
        batches = broadcast_targets(index[:-2], shape[:-2], self.batch)
        return ((*batch, *at) for batch, at in product(batches, product(*axes)))


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
    outputs = frame.outputs(position, index)
    if position == 0:
        return [(out, b.at(frame.right(out, index[-1]))) for out in outputs]
    inner = index[-2] if len(index) > 1 else index[0]
    return [(out, a.at(frame.left(out, inner))) for out in outputs]


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


MATMUL = Rule(
    name="matmul",
    bind=binder("input", "other"),
    forward=lambda a, b: a @ b,
    vjp=vjp,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
    kind="contraction",
    words="matrix product",
)

BMM = replace(
    MATMUL,
    name="bmm",
    bind=binder("input", "mat2"),
    words="matrix product, one for each pair in the batch",
)
