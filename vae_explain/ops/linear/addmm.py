"""`addmm`, `baddbmm` and `addmv`: a product added to something else, as a linear layer by hand."""

from __future__ import annotations

from dataclasses import replace

from ...symbolic.build import scaled
from ...symbolic.expression import Expression, Index, Number
from ..binding import binder
from ..broadcasting import broadcast_index, broadcast_targets, sum_to
from ..rule import Call, Partial, Rule
from .matmul import MATMUL

ADDED = 0


def product(call: Call) -> Call:
    """The matrix product in it, as a call of its own."""
    return call.once("product", lambda: replace(call, operands=call.operands[1:], attributes={}))


def element(call: Call, index: Index) -> Expression:
    added = call.operands[ADDED]
    own = scaled(call.attributes["beta"], added.at(broadcast_index(index, added.shape)))
    return scaled(call.attributes["alpha"], MATMUL.element(product(call), index)) + own


def partials(call: Call, position: int, index: Index) -> list[Partial]:
    if position == ADDED:
        shape = call.operands[ADDED].shape
        beta = Number(float(call.attributes["beta"]))
        return [(out, beta) for out in broadcast_targets(index, shape, call.output.shape)]
    alpha = call.attributes["alpha"]
    slopes = MATMUL.partials(product(call), position - 1, index)
    return [(out, scaled(alpha, local)) for out, local in slopes]


def formula(call: Call) -> Expression:
    own = scaled(call.attributes["beta"], call.operands[ADDED].whole())
    return scaled(call.attributes["alpha"], MATMUL.formula(product(call))) + own


def gradient(call: Call, position: int, upstream: Expression) -> Expression:
    if position == ADDED:
        body = scaled(call.attributes["beta"], upstream)
        return sum_to(body, call.output.shape, call.operands[ADDED].shape)
    share = MATMUL.gradient(product(call), position - 1, upstream)
    return scaled(call.attributes["alpha"], share)


ADDMM = Rule(
    name="addmm",
    bind=binder("input", "mat1", "mat2", beta=1, alpha=1),
    forward=lambda added, a, b, beta, alpha: alpha * (a @ b) + beta * added,
    element=element,
    partials=partials,
    formula=formula,
    gradient=gradient,
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
