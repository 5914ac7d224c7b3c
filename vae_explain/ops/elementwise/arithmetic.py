"""The operations of arithmetic, the sign, and three of them joined in one call.

`add`, `sub`, `mul`, `div`, `neg`; `addcmul`, `addcdiv` and `lerp`.
"""

from __future__ import annotations

from typing import Any

from ...symbolic.expression import ONE, Expression, Number
from ..rule import Bound, NotExplained, elementwise


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


ADD = elementwise(
    "add",
    bind=bind_two,
    forward=lambda a, b, alpha=1: a + alpha * b,
    vjp=lambda g, y, a, b, alpha=1: (g, alpha * g),
    expression=added,
    derivatives=(lambda y, a, b, alpha=1: ONE, lambda y, a, b, alpha=1: Number(float(alpha))),
    words="sum",
    torch="torch.add",
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
)

# --- two at once ------------------------------------------------------------------------


def bind_three(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Bound:
    return (input, tensor1, tensor2), {"value": value}


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
)
