"""Expression trees as JSON, and evaluated with other numbers: `["+", "mu[0]", ["*", 2, "x[0]"]]`.

A leaf is a number, or the name of a number on the sheet. Nothing else can stand in a tree than
the operations of `symbolic/expression.py`, so reading one runs no code.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ...models.recorded.checked_json import Misfit
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
    children,
    rebuilt,
)
from ...symbolic.measure import evaluate
from ...symbolic.text import split_index, symbol_text

DEEPEST, MOST_NODES = 60, 1_000
LARGEST = 1e300
Numbers = Mapping[str, float]
OF_ANY_NUMBER: Mapping[str, type[Add | Mul]] = {"+": Add, "*": Mul}
OF_SO_MANY: Mapping[str, type[Neg | Div | Pow]] = {"neg": Neg, "/": Div, "^": Pow}
SIGNS: Mapping[type[Expression], str] = {
    kind: sign for sign, kind in (*OF_ANY_NUMBER.items(), *OF_SO_MANY.items())
}


def to_json(tree: Expression) -> Any:
    """Return a tree as lists; numbers that only a line speaks of are written out."""
    match tree:
        case Number(value):
            return int(value) if value == int(value) and abs(value) < LARGEST else value
        case Ref(made=made) if made is not None:
            return to_json(made())
        case Ref():
            return symbol_text(tree)
        case Apply(function):
            operation = function
        case _ if type(tree) in SIGNS:
            operation = SIGNS[type(tree)]
        case _:
            raise TypeError(f"{type(tree).__name__} stands for a whole tensor, not a number")
    return [operation, *map(to_json, children(tree))]


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
    """Return an operation on its operands; None for one that there is not, or of other operands."""
    if operation in OF_ANY_NUMBER:
        return OF_ANY_NUMBER[operation](parts)
    kind = OF_SO_MANY.get(operation)
    if kind is not None:
        return kind(*parts) if len(fields(kind)) == len(parts) else None
    known = operation in OF_SEVERAL or (operation in FUNCTIONS and len(parts) == 1)
    return Apply(operation, parts) if known else None


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
