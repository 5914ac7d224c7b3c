"""`matmul` and `bmm`, the product of matrices, matrix and vector, or batches, and with a summand.

`addmm`, `baddbmm` and `addmv` add it to something else, as a linear layer by hand.
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase

import numpy as np

from ...symbolic.build import scaled
from ...symbolic.expression import Expression, Index, MatMul, Number, Transpose
from ...symbolic.shapes import shaped
from ...trace import Array
from ..binding import binder
from ..broadcasting import broadcast_index, broadcast_targets, sum_to
from ..rule import Call, OfMany, Partial, Rule, Ways
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
    partials=Ways(
        lambda call, position, index: products(call).families(position, index), of_many=True
    ),
    formula=lambda call: MatMul(*call.wholes),
    gradient=gradient,
    kind="contraction",
    adds_up="terms",
    words="matrix product",
)

BMM = replace(
    MATMUL,
    name="bmm",
    bind=binder("input", "mat2"),
    words="matrix product, one for each pair in the batch",
)

# --- added to something else ------------------------------------------------------------

ADDED = 0


def product(call: Call) -> Call:
    """The matrix product in it, as a call of its own."""
    return call.once("product", lambda: replace(call, operands=call.operands[1:], attributes={}))


def added_element(call: Call, index: Index) -> Expression:
    added = call.operands[ADDED]
    own = scaled(call.attributes["beta"], added.at(broadcast_index(index, added.shape)))
    return scaled(call.attributes["alpha"], MATMUL.element(product(call), index)) + own


def added_partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position == ADDED:
        shape = call.operands[ADDED].shape
        beta = Number(float(call.attributes["beta"]))
        return [(out, beta) for out in broadcast_targets(index, shape, call.output.shape)]
    alpha = call.attributes["alpha"]
    slopes = MATMUL.partials(product(call), position - 1, index)
    return [(out, scaled(alpha, local)) for out, local in slopes]


def added_formula(call: Call) -> Expression:
    own = scaled(call.attributes["beta"], call.operands[ADDED].whole())
    return scaled(call.attributes["alpha"], MATMUL.formula(product(call))) + own


def added_gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position == ADDED:
        body = scaled(call.attributes["beta"], upstream)
        return sum_to(body, call.output.shape, call.operands[ADDED].shape)
    share = MATMUL.gradient(product(call), position - 1, upstream)
    return scaled(call.attributes["alpha"], share)


ADDMM = Rule(
    name="addmm",
    bind=binder("input", "mat1", "mat2", beta=1, alpha=1),
    forward=lambda added, a, b, beta, alpha: alpha * (a @ b) + beta * added,
    element=added_element,
    partials=added_partials,
    formula=added_formula,
    gradient=added_gradient,
    kind="contraction",
    words="matrix product, plus what it is added to",
)

BADDBMM = replace(
    ADDMM,
    name="baddbmm",
    bind=binder("input", "batch1", "batch2", beta=1, alpha=1),
    words="matrix product, one for each pair in the batch, plus what it is added to",
)

ADDMV = replace(
    ADDMM,
    name="addmv",
    bind=binder("input", "mat", "vec", beta=1, alpha=1),
    words="product of a matrix and a vector, plus what it is added to",
)
