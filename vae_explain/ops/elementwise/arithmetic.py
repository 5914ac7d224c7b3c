"""The operations of arithmetic, the sign, and three of them joined in one call.

`add`, `sub`, `mul`, `div`, `neg`; `addcmul`, `addcdiv` and `lerp`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...symbolic.expression import ONE, Expression, Number
from ..rule import Bound, Example, NotExplained, elementwise


def bind_two(input: Any, other: Any, *, alpha: float = 1) -> Bound:
    """Bind `add` and `sub`, whose `alpha` scales the second operand."""
    return (input, other), {} if alpha == 1 else {"alpha": alpha}


def bind_division(input: Any, other: Any, *, rounding_mode: str | None = None) -> Bound:
    if rounding_mode is not None:
        raise NotExplained(f"rounding_mode={rounding_mode!r}")
    return (input, other), {}


def times(value: float, body: Expression) -> Expression:
    return body if value == 1 else Number(float(value)) * body


def added(a: Expression, b: Expression, alpha: float = 1) -> Expression:
    if alpha != 1:
        return a + times(alpha, b)
    # PyTorch hears `1 + logvar` as `logvar.add(1)`; people write the whole number in front.
    if isinstance(b, Number) and b.value == int(b.value):
        return b + a
    return a + b


def multiplied(a: Expression, b: Expression) -> Expression:
    return b * a if isinstance(b, Number) else a * b


_ROW = np.array([[1.5, -0.5, 2.0]])
_SQUARE = np.array([[0.25, -1.0, 3.0], [2.0, 0.5, -0.75]])
_EXAMPLES = (
    Example((_SQUARE, _SQUARE[::-1] + 0.125)),
    Example((_SQUARE, _ROW)),
    Example((_ROW[0], _SQUARE)),
    Example((_ROW[0], _ROW)),
    Example((np.array([[2.0], [-1.5]]), _ROW)),
    Example((_SQUARE, np.array(0.5))),
)
_SCALED = (Example((_SQUARE, _ROW), {"alpha": 0.5}), Example((_ROW[0], _SQUARE), {"alpha": -2}))

ADD = elementwise(
    "add",
    bind=bind_two,
    forward=lambda a, b, alpha=1: a + alpha * b,
    vjp=lambda g, y, a, b, alpha=1: (g, alpha * g),
    expression=added,
    derivatives=(lambda y, a, b, alpha=1: ONE, lambda y, a, b, alpha=1: Number(float(alpha))),
    words="sum",
    torch="torch.add",
    examples=(*_EXAMPLES, *_SCALED),
)

SUB = elementwise(
    "sub",
    bind=bind_two,
    forward=lambda a, b, alpha=1: a - alpha * b,
    vjp=lambda g, y, a, b, alpha=1: (g, -alpha * g),
    expression=lambda a, b, alpha=1: a - times(alpha, b),
    derivatives=(lambda y, a, b, alpha=1: ONE, lambda y, a, b, alpha=1: Number(-float(alpha))),
    words="difference",
    torch="torch.sub",
    examples=(*_EXAMPLES, *_SCALED),
)

MUL = elementwise(
    "mul",
    bind=lambda input, other: ((input, other), {}),
    forward=lambda a, b: a * b,
    vjp=lambda g, y, a, b: (g * b, g * a),
    expression=multiplied,
    derivatives=(lambda y, a, b: b, lambda y, a, b: a),
    words="product, element by element",
    torch="torch.mul",
    examples=_EXAMPLES,
)

DIV = elementwise(
    "div",
    bind=bind_division,
    forward=lambda a, b: a / b,
    vjp=lambda g, y, a, b: (g / b, -g * a / (b * b)),
    expression=lambda a, b: a / b,
    derivatives=(lambda y, a, b: ONE / b, lambda y, a, b: -a / b ** Number(2.0)),
    words="quotient, element by element",
    torch="torch.div",
    examples=_EXAMPLES,
)

NEG = elementwise(
    "neg",
    bind=lambda input: ((input,), {}),
    forward=lambda a: -a,
    vjp=lambda g, y, a: (-g,),
    expression=lambda a: -a,
    derivatives=(lambda y, a: Number(-1.0),),
    words="change of sign",
    torch="torch.neg",
    examples=(Example((_SQUARE,)),),
)

# --- two at once ------------------------------------------------------------------------


def bind_three(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Bound:
    return (input, tensor1, tensor2), {"value": value}


_TRIPLES = (
    Example((_SQUARE, _SQUARE[::-1] + 0.125, _SQUARE * 2 + 0.5), {"value": 1}),
    Example((_ROW, _SQUARE, np.array(0.5)), {"value": -0.5}),
)

ADDCMUL = elementwise(
    "addcmul",
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b * c,
    vjp=lambda g, y, a, b, c, value: (g, g * value * c, g * value * b),
    expression=lambda a, b, c, value: a + times(value, b * c),
    derivatives=(
        lambda y, a, b, c, value: ONE,
        lambda y, a, b, c, value: times(value, c),
        lambda y, a, b, c, value: times(value, b),
    ),
    words="sum with a product",
    torch="torch.addcmul",
    examples=_TRIPLES,
)

ADDCDIV = elementwise(
    "addcdiv",
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b / c,
    vjp=lambda g, y, a, b, c, value: (g, g * value / c, -g * value * b / (c * c)),
    expression=lambda a, b, c, value: a + times(value, b / c),
    derivatives=(
        lambda y, a, b, c, value: ONE,
        lambda y, a, b, c, value: times(value, ONE / c),
        lambda y, a, b, c, value: times(-value, b / c ** Number(2.0)),
    ),
    words="sum with a quotient",
    torch="torch.addcdiv",
    examples=_TRIPLES,
)

LERP = elementwise(
    "lerp",
    bind=lambda input, end, weight: ((input, end, weight), {}),
    forward=lambda a, b, w: a + w * (b - a),
    vjp=lambda g, y, a, b, w: (g * (1 - w), g * w, g * (b - a)),
    expression=lambda a, b, w: a + w * (b - a),
    derivatives=(
        lambda y, a, b, w: ONE - w,
        lambda y, a, b, w: w,
        lambda y, a, b, w: b - a,
    ),
    words="a part of the way from one to the other",
    torch="torch.lerp",
    examples=(
        Example((_SQUARE, _SQUARE[::-1] + 0.125, np.array(0.25))),
        Example((_SQUARE, _SQUARE[::-1] + 0.125, np.abs(_SQUARE) / 4)),
    ),
)
