"""What a value in a user's code is assigned to, also from within a list or a tuple."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .code_reading import is_name

# What gives the parts of its argument, in their order.
IN_ORDER = ("iter", "list", "tuple")
Around = dict[int, ast.AST]  # what each node stands in, by its `id`


def in_a_list(value: ast.expr, around: Around) -> ast.expr:
    """Return the code around a value that has its parts in order, as `list(batch)` has.

    So has `[part.float() for part in batch]`.
    """
    outer = around.get(id(value))
    beyond = around.get(id(outer))
    if isinstance(outer, ast.Call) and not outer.keywords:
        first = outer.args[:1] if any(is_name(outer.func, name) for name in IN_ORDER) else ()
        first = outer.args[1:] if is_name(outer.func, "map") else first
        return in_a_list(outer, around) if list(first) == [value] else value
    is_spread = isinstance(outer, ast.Starred) and isinstance(beyond, ast.Tuple | ast.List)
    is_iterated = isinstance(outer, ast.comprehension) and outer.iter is value
    if isinstance(beyond, ast.Tuple | ast.List) and is_spread and len(beyond.elts) == 1:
        return in_a_list(beyond, around)
    if isinstance(beyond, ast.ListComp | ast.GeneratorExp) and is_iterated:
        (first_of_all, *others) = beyond.generators
        return value if others or first_of_all.ifs else in_a_list(beyond, around)
    return value


def targets_of(value: ast.expr, around: Around) -> Sequence[ast.expr]:
    """Return what a value is assigned to, by itself or as one of several; none for other code.

    `for x, label in [batch]` assigns as well.
    """
    outer = around.get(id(value))
    if isinstance(outer, ast.Assign):
        return outer.targets
    if isinstance(outer, ast.AnnAssign | ast.NamedExpr):
        return [outer.target]
    if not isinstance(outer, ast.Tuple | ast.List):
        return ()
    beyond = around.get(id(outer))
    if isinstance(beyond, ast.For | ast.comprehension) and beyond.iter is outer:
        return [beyond.target]
    at = outer.elts.index(value)
    sides = [s for s in targets_of(outer, around) if isinstance(s, ast.Tuple | ast.List)]
    before = [*outer.elts[: at + 1], *(each for side in sides for each in side.elts[: at + 1])]
    if not sides or any(isinstance(each, ast.Starred) for each in before):
        return ()
    return [side.elts[at] for side in sides if at < len(side.elts)]


def place_of(node: ast.AST, around: Around) -> tuple[int, int]:
    """Return where the statement begins that some code is in: its line and column."""
    while not isinstance(node, ast.stmt):
        node = around[id(node)]
    return node.lineno, node.col_offset
