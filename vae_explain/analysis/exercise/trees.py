"""Expression trees as JSON, and evaluated with other numbers: `["+", "mu[0]", ["*", 2, "x[0]"]]`.

A leaf is a number, or the name of a number on the sheet. Nothing else can stand in a tree than
the operations of `symbolic/expression.py`, so reading one runs no code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...models.checked_json import Misfit
from ...symbolic.expression import (
    FUNCTIONS,
    OF_SEVERAL,
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Role,
    evaluate,
    rebuilt,
)
from ...symbolic.text import split_index, symbol_text

DEEPEST, MOST_NODES = 60, 1_000
LARGEST = 1e300
Numbers = Mapping[str, float]


def to_json(tree: Expression) -> Any:
    """Return a tree as lists; numbers that only a line speaks of are written out."""
    match tree:
        case Number(value):
            return int(value) if value == int(value) and abs(value) < LARGEST else value
        case Ref(made=made) if made is not None:
            return to_json(made())
        case Ref():
            return symbol_text(tree)
        case Add(parts):
            return ["+", *map(to_json, parts)]
        case Mul(parts):
            return ["*", *map(to_json, parts)]
        case Neg(body):
            return ["neg", to_json(body)]
        case Div(above, below):
            return ["/", to_json(above), to_json(below)]
        case Pow(base, exponent):
            return ["^", to_json(base), to_json(exponent)]
        case Apply(function, parts):
            return [function, *map(to_json, parts)]
        case _:
            raise TypeError(f"{type(tree).__name__} stands for a whole tensor, not a number")


def from_json(data: Any, where: str, roles: Mapping[str, Role]) -> Expression:
    """Read a tree.

    Parameters
    ----------
    roles
        What each name that a leaf may have is.

    Raises
    ------
    Misfit
        If it is none, or larger or deeper than any sheet's.
    """
    left = MOST_NODES

    def read(node: Any, depth: int) -> Expression:
        nonlocal left
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise Misfit(where, "a very large tree", "the arithmetic of one number")
        if isinstance(node, int | float) and not isinstance(node, bool):
            if not abs(node) < LARGEST:
                raise Misfit(where, node, "a finite number")
            return Number(float(node))
        if isinstance(node, str):
            if node not in roles:
                raise Misfit(where, node, "a number of the sheet")
            name, index = split_index(node)
            return Ref(name, index or None, roles[node])
        if not isinstance(node, list) or len(node) < 2 or not isinstance(node[0], str):
            raise Misfit(where, node, "an operation with its operands")
        operation = node[0]
        parts = tuple(read(part, depth + 1) for part in node[1:])
        made = _made(operation, parts)
        if made is None:
            raise Misfit(where, operation, "a known operation with as many operands as it takes")
        return made

    return read(data, 0)


def _made(operation: str, parts: tuple[Expression, ...]) -> Expression | None:
    match operation, parts:
        case "+", _:
            return Add(parts)
        case "*", _:
            return Mul(parts)
        case "neg", (body,):
            return Neg(body)
        case "/", (above, below):
            return Div(above, below)
        case "^", (base, exponent):
            return Pow(base, exponent)
        case name, _ if name in OF_SEVERAL:
            return Apply(name, parts)
        case name, (_,) if name in FUNCTIONS:
            return Apply(name, parts)
        case _:
            return None


def value_of(tree: Expression, numbers: Numbers) -> float:
    """Evaluate a tree with these numbers for its leaves; NaN where one is not known."""

    def filled(node: Expression) -> Expression:
        if isinstance(node, Ref):
            return Number(numbers.get(symbol_text(node), math.nan))
        return rebuilt(node, filled)

    try:
        return evaluate(filled(tree))
    except (OverflowError, ValueError):
        return math.nan
