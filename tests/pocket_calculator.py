"""A pocket calculator: it computes a line of a page from its text alone, exactly as it stands.

It knows numbers, signs and the names of functions, and asks the package nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from decimal import Context, Decimal, localcontext
from typing import Any

from .pages import SIGNS, Claim

DIGITS = Context(prec=60, traps=[])
LITERAL = re.compile(r"(?<![\w.])(?:\d+\.?\d*)(?:e[+-]?\d+)?(?![\w.])")
GATE = re.compile(r"\[([^\[\]]*) > 0\]|\(([^()]*|[^()]*\([^()]*\)[^()]*) > 0\)")
SIZE = re.compile(r"\|([^|]*)\|")
EVERY_DIGIT = 15  # significant digits from which on a result may be a float64 as it is


def _floating(function: Callable[[float], float]) -> Callable[[Decimal], Decimal]:
    """Compute a function that a calculator has no key for, in float64."""
    return lambda x: Decimal(function(float(x)))


def _sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def _tanh(x: Decimal) -> Decimal:
    return 1 - 2 / ((2 * x).exp() + 1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "sqrt": Decimal.sqrt,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "softplus": lambda x: (1 + x.exp()).ln(),
    "relu": lambda x: max(x, Decimal(0)),
    "abs": abs,
    "max": max,
    "gate": lambda x: Decimal(x > 0),
    "sign": lambda x: Decimal((x > 0) - (x < 0)),
    "Φ": _floating(lambda x: math.erfc(-x / math.sqrt(2)) / 2),
    "φ": _floating(lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)),
}
IN_FLOAT64: dict[str, Callable[..., Any]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))),
    "relu": lambda x: max(x, 0.0),
    "abs": abs,
    "max": max,
    "gate": lambda x: float(x > 0),
    "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
}


def computed(text: str, number: Callable[[str], Any], functions: dict[str, Any]) -> Any:
    """Compute a line as it is written, each number read by `number`."""
    code = GATE.sub(lambda gate: f"gate({gate[1] or gate[2]})", text)
    code = SIZE.sub(r"abs(\1)", code)
    for sign, operator in SIGNS.items():
        code = code.replace(sign, operator)
    code = LITERAL.sub(lambda literal: f'number("{literal[0]}")', code)
    try:
        return eval(code, {"__builtins__": {}, "number": number, **functions})
    except (SyntaxError, NameError, TypeError) as error:
        raise AssertionError(f"it cannot be read: {text}") from error


def holds(claim: Claim) -> bool:
    """Whether a line, computed from its own text, gives its result as printed.

    A result with every digit of a float64 is given by the same arithmetic in float64.
    """
    text = " + ".join(f"({summand})" for summand in claim.summands)
    printed = Decimal(claim.value)
    with localcontext(DIGITS):
        value = computed(text, Decimal, FUNCTIONS)
        half = Decimal((0, (5,), int(printed.as_tuple().exponent) - 1))
        if abs(value - printed) <= half:
            return True
    if len(printed.as_tuple().digits) < EVERY_DIGIT:
        return False
    return bool(computed(text, float, IN_FLOAT64) == float(claim.value))


def broken(claims: Iterable[Claim]) -> list[str]:
    """Return the lines that do not hold; one that says itself that it failed is none of them."""
    return [
        str(claim)
        for claim in claims
        if claim.summands and "PyTorch has" not in claim.remark and not holds(claim)
    ]
