"""The shape of a formula over whole tensors, and the formula broadcast to its full shape.

A formula may be smaller than the tensor it stands for and leave the rest to broadcasting: an
upstream gradient that is 1 everywhere is the number 1. That is right for elementwise ops,
and wrong for a sum, which has to know how often a number is added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .expression import (
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
    children,
    references,
)

Shape = tuple[int, ...]
FULL = "full"


def shape_of(expression: Expression) -> Shape:
    """Return the shape of a formula's result, derived from the shapes of its parts.

    It is `()` for a number that stands for a whole tensor, such as an upstream gradient that
    is 1 everywhere.

    Examples
    --------
    >>> from vae_explain.symbolic.expression import Number
    >>> x = Ref("x", value=np.ones((3, 2)))
    >>> shape_of(MatMul(x, Transpose(x)) + Number(1.0))
    (3, 3)
    """
    match expression:
        case Ref(value=value):
            return np.shape(value)
        case Reshape(_, shape) | SumOver(_, _, shape):
            return shape
        case Transpose(body):
            *lead, rows, columns = shape_of(body)
            return (*lead, columns, rows)
        case MatMul(left, right):
            return _product(shape_of(left), shape_of(right))
        case Opaque(arguments=arguments, compute=compute):
            arrays = [a.value if isinstance(a, Ref) else np.zeros(shape_of(a)) for a in arguments]
            return np.shape(compute(*arrays))
        case _:
            return np.broadcast_shapes(*map(shape_of, children(expression)))


def _product(left: Shape, right: Shape) -> Shape:
    """Return the shape of a matrix product; an operand of one axis loses it."""
    lead = np.broadcast_shapes(left[:-2], right[:-2])
    return lead + left[-2:-1] + (right[-1:] if len(right) > 1 else ())


def expanded(body: Expression, shape: Shape) -> Expression:
    """Return a formula broadcast to the shape that it stands for; unchanged if it has that.

    Examples
    --------
    >>> from vae_explain.symbolic.expression import Number
    >>> from vae_explain.symbolic.text import to_text
    >>> to_text(expanded(Number(1.0), (3, 2)))
    'full(1, shape=(3, 2))'
    >>> row = Ref("row", value=np.ones((1, 2)))
    >>> to_text(expanded(row, (3, 2))), to_text(expanded(row, (1, 2)))
    ('row.expand(3, 2)', 'row')
    """

    def compute(array: Any) -> Any:
        return np.broadcast_to(array, shape)

    if _spans(body, shape):
        return body
    if not references(body):
        return Opaque(FULL, (body,), (("shape", shape),), compute)
    return Opaque(f".expand({', '.join(map(str, shape))})", (body,), (), compute)


def shaped(body: Expression, shape: Shape, to: Shape) -> Expression:
    """Return a formula of one shape in another; unchanged if it has that."""
    return body if shape == to else Reshape(body, to)


def _spans(body: Expression, shape: Shape) -> bool:
    # One part of the full shape is enough, and most often it is a name. Finding the shape of
    # an op means computing it, so ops come last.
    if isinstance(body, Add | Mul | Neg | Div | Pow | Apply):
        parts = sorted(children(body), key=lambda part: not isinstance(part, Ref))
        if any(_spans(part, shape) for part in parts):
            return True
    return shape_of(body) == shape
