"""The operations of arithmetic, the sign, and three of them joined in one call.

`add`, `sub`, `mul`, `div`, `neg`; `addcmul`, `addcdiv` and `lerp`.
"""

from __future__ import annotations

from typing import Any

from ...symbolic.build import scaled, square
from ...symbolic.expression import ONE, Expression, Number
from ..binding import Bound, Refused, binder
from ..pointwise import elementwise


def bind_two(input: Any, other: Any, *, alpha: float = 1) -> Bound:
    """Bind `add` and `sub`, whose `alpha` scales the second operand."""
    return (input, other), {} if alpha == 1 else {"alpha": alpha}


def added(a: Expression, b: Expression, alpha: float = 1) -> Expression:
    # PyTorch hears `1 + logvar` as `logvar.add(1)`; people write the whole number in front.
    if alpha == 1 and isinstance(b, Number) and b.value == int(b.value):
        return b + a
    return a + scaled(alpha, b)


ADD = elementwise(
    "add",
    added,
    bind=bind_two,
    forward=lambda a, b, alpha=1: a + alpha * b,  # whole numbers stay whole
    words="sum",
)

SUB = elementwise(
    "sub",
    lambda a, b, alpha=1: a - scaled(alpha, b),
    bind=bind_two,
    forward=lambda a, b, alpha=1: a - alpha * b,
    words="difference",
)

MUL = elementwise(
    "mul",
    lambda a, b: b * a if isinstance(b, Number) else a * b,
    bind=binder("input", "other"),
    words="product, element by element",
)

DIV = elementwise(
    "div",
    lambda a, b: a / b,
    bind=binder("input", "other", rounding_mode=Refused(None, "rounding_mode={!r}")),
    words="quotient, element by element",
)

NEG = elementwise("neg", lambda a: -a, words="change of sign")

# --- two at once ------------------------------------------------------------------------


bind_three = binder("input", "tensor1", "tensor2", value=1)
ADDCMUL = elementwise(
    "addcmul",
    lambda a, b, c, value: a + scaled(value, b * c),
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b * c,
    words="sum with a product",
)

ADDCDIV = elementwise(
    "addcdiv",
    lambda a, b, c, value: a + scaled(value, b / c),
    bind=bind_three,
    forward=lambda a, b, c, value: a + value * b / c,
    derivatives=(
        None,
        lambda y, a, b, c, value: scaled(value, ONE / c),
        lambda y, a, b, c, value: scaled(-value, b / square(c)),
    ),
    words="sum with a quotient",
)

LERP = elementwise(
    "lerp",
    lambda a, b, w: a + w * (b - a),
    bind=binder("input", "end", "weight"),
    words="a part of the way from one to the other",
)
