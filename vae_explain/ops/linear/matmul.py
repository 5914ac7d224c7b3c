"""`matmul` and `bmm`: the matrix product of matrices, matrix and vector, or batches."""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase

import numpy as np

from ...symbolic.expression import Expression, MatMul, Transpose
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import binder
from ..broadcasting import sum_to
from ..rule import Call, OfMany, Rule, Ways
from .products import Products


def as_matrices(a: Array, b: Array) -> tuple[Array, Array]:
    """Give a vector the missing axis: a row on the left, a column on the right."""
    left = a.reshape(1, -1) if a.ndim == 1 else a
    right = b.reshape(-1, 1) if b.ndim == 1 else b
    return left, right


def products(call: Call) -> Products:
    """Return the products, for vectors and batches too."""
    a, b = call.operands
    batch = ascii_lowercase[: max(len(a.shape), len(b.shape), 2) - 2]
    left = f"{batch}xy"[-len(a.shape) :]
    right = f"{batch}yz"[-len(b.shape) :] if len(b.shape) > 1 else "y"
    out = batch + "x" * (len(a.shape) > 1) + "z" * (len(b.shape) > 1)
    return call.once("products", lambda: Products((a, b), (left, right), out))


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    a, b = call.operands
    left, right = (matrix.shape for matrix in as_matrices(a.array, b.array))
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    full = shaped(upstream, call.output.shape, (*batch, left[-2], right[-1]))
    if position == 0:
        product = MatMul(full, Transpose(shaped(b.whole(), b.shape, right)))
        return shaped(sum_to(product, (*batch, *left[-2:]), left), left, a.shape)
    product = MatMul(Transpose(shaped(a.whole(), a.shape, left)), full)
    return shaped(sum_to(product, (*batch, *right[-2:]), right), right, b.shape)


MATMUL = Rule(
    name="matmul",
    bind=binder("input", "other"),
    forward=lambda a, b: a @ b,
    element=OfMany(lambda call, index: products(call).element(index)),
    partials=Ways(lambda call, position, index: products(call).families(position, index)),
    formula=lambda call: MatMul(*call.wholes),
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
