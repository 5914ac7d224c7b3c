"""Formulas laid side by side, and what else a formula may mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from ..grammar.quantities import with_index, without_index
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Transposed,
    Tree,
    flattened,
    inside,
    is_bare,
    key_of,
    literals,
    parts,
    with_parts,
)

DEGREE = Literal("0.017453292519943295", math.pi / 180, 18)
# Functions of a list that give as many numbers, each of one.
OF_EACH = {"exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "softplus", "relu", "gate", "abs",
           "square"}  # fmt: skip
LIKE = 0.1  # of a number, by which another may differ that is said to be the same


def align(left: Tree, right: Tree) -> list[tuple[Tree, Literal]] | None:
    """Return the numbers of a formula, each with the part of another that it stands for.

    None where the two are not built alike.
    """
    aligned: list[tuple[Tree, Literal]] = []
    waiting = [(left, right)]
    while waiting:
        one, other = (flattened(tree) for tree in waiting.pop())
        if one == other:
            continue
        if isinstance(other, Literal):
            aligned.append((one, other))
            continue
        inner = _side_by_side(one, other)
        if inner is None:
            return None
        waiting += inner
    return aligned[::-1]


def _side_by_side(one: Tree, other: Tree) -> list[tuple[Tree, Tree]] | None:
    match one, other:
        case (Sum(), Sum()):
            a, b = one.terms, other.terms
            if len(a) != len(b):
                a, b = _terms(one), _terms(other)
            return list(zip(a, b, strict=True)) if len(a) == len(b) else None
        case (Sum(), _) if len(terms := _terms(one)) == 1:
            return [(terms[0], other)]
        case (_, Sum()) if len(terms := _terms(other)) == 1:
            return [(one, terms[0])]
        case (Product(a, signs), Product(b, others)):
            alike = [s == "/" for s in signs] == [s == "/" for s in others]
            return list(zip(a, b, strict=True)) if len(a) == len(b) and alike else None
        case (FunctionCall(f, a), FunctionCall(g, b)):
            return list(zip(a, b, strict=True)) if f == g and len(a) == len(b) else None
        case (Power(), Power()) | (Negative(), Negative()) | (Transposed(), Transposed()):
            return list(zip(parts(one), parts(other), strict=True))
        case (Row(a), Row(b)) if len(a) == len(b):
            return list(zip(a, b, strict=True))
        case (FunctionCall(f, (Row(a),)), Row(b)) if f in OF_EACH and len(a) == len(b):
            return [(FunctionCall(f, (x,)), y) for x, y in zip(a, b, strict=True)]
    return None


def _terms(tree: Sum) -> tuple[Tree, ...]:
    """Return the terms of a sum that are not zero."""
    return tuple(term for term in tree.terms if not _is_zero(term))


def _is_zero(term: Tree) -> bool:
    body = term.body if isinstance(term, Negative) else term
    factors = body.factors if isinstance(body, Product) else (body,)
    signs = body.signs if isinstance(body, Product) else ("",)
    zero = (f == 0 or f == -0.0 for f in (getattr(g, "value", 1.0) for g in factors))
    return any(is_zero and sign != "/" for is_zero, sign in zip(zero, signs, strict=True))


def count(tree: Tree) -> int:
    """Return how many numbers a side has that is a list; 1 for any other."""
    tree = flattened(tree)
    return len(tree.entries) if isinstance(tree, Row) else 1


def readings(tree: Tree, of_list: bool, natural: bool = False) -> Iterator[Tree]:
    """Yield a formula, then what else it may mean: `log` to another base, `x·y` of each two.

    Parameters
    ----------
    of_list
        Whether it should give a list, so that a product of two lists is one of their numbers.
    natural
        Whether its logarithms have no other base.
    """
    subtrees = list(inside(tree))
    multiplies = any(
        isinstance(t, Product) and not {"", "*"}.isdisjoint(t.signs[1:]) for t in subtrees
    )
    if multiplies and of_list:
        yield _reread(tree, _elementwise)
    yield tree
    if multiplies and of_list:
        yield _reread(tree, _of_matrices)
    if any(isinstance(t, Product) and _goes_on_below(t) for t in subtrees):
        yield _reread(tree, _all_below)
    if not natural and any(isinstance(t, FunctionCall) and t.function == "log" for t in subtrees):
        for base in ("log10", "log2"):
            yield _reread(tree, partial(_renamed, new=base))
    if of_list and any(isinstance(t, FunctionCall) and t.function == "softmax" for t in subtrees):
        yield _reread(tree, _by_column)
    if any(isinstance(t, FunctionCall) and t.function in ("sin", "cos") for t in subtrees):
        yield _reread(tree, _in_degrees)
    if multiplies and not of_list:
        yield _reread(tree, _elementwise)


def element_of(tree: Tree, place: int) -> Tree:
    """Return a formula of an element of each quantity; one that is an element already stays."""
    if key_of(tree) is not None:
        return tree if without_index(tree)[1] else with_index(tree, f"[{place}]")
    return with_parts(tree, [element_of(part, place) for part in parts(tree)])


def _reread(tree: Tree, change: Callable[[Tree], Tree]) -> Tree:
    """Return a formula with every part changed; how a quantity is written says nothing else."""
    if key_of(tree) is not None:
        return tree
    return change(with_parts(tree, [_reread(part, change) for part in parts(tree)]))


def _renamed(tree: Tree, new: str) -> Tree:
    is_log = isinstance(tree, FunctionCall) and tree.function == "log"
    return replace(tree, function=new) if is_log and isinstance(tree, FunctionCall) else tree


def _by_column(tree: Tree) -> Tree:
    if not (isinstance(tree, FunctionCall) and tree.function == "softmax"):
        return tree
    return Transposed(replace(tree, arguments=tuple(map(Transposed, tree.arguments))))


def _in_degrees(tree: Tree) -> Tree:
    if not (isinstance(tree, FunctionCall) and tree.function in ("sin", "cos")):
        return tree
    return replace(tree, arguments=(Product((tree.arguments[0], DEGREE), ("", "*")),))


def _elementwise(tree: Tree) -> Tree:
    if not isinstance(tree, Product):
        return tree
    matrices = all(map(_is_written_matrix, tree.factors))  # side by side, a product of them
    signs = ("*",) if matrices else ("", "*")
    return replace(tree, signs=tuple("⊙" if sign in signs else sign for sign in tree.signs))


def _of_matrices(tree: Tree) -> Tree:
    """Return a product with `×` between matrices as one of matrices."""
    if not isinstance(tree, Product) or not all(map(_is_written_matrix, tree.factors)):
        return tree
    return replace(tree, signs=tuple("@" if sign == "*" else sign for sign in tree.signs))


def _is_written_matrix(tree: Tree) -> bool:
    return isinstance(tree, Row) and all(isinstance(entry, Row) for entry in tree.entries)


def _goes_on_below(tree: Product) -> bool:
    """Whether factors follow a single stroke, under which they may all be: `a·b / c·d`."""
    return tree.signs.count("/") == 1 and tree.signs[-1] != "/"


def _all_below(tree: Tree) -> Tree:
    if not isinstance(tree, Product) or not _goes_on_below(tree):
        return tree
    at = tree.signs.index("/")
    below = Product(tree.factors[at:], ("", *tree.signs[at + 1 :]))
    return Product((*tree.factors[:at], below), tree.signs[: at + 1])


def _alike(left: Tree, right: Tree) -> bool:
    """Whether one number may be another with fewer digits, and no other that stands beside it."""
    numbers, others = literals(left), literals(right)
    return len(numbers) == len(others) and all(
        abs(a.value - b.value)
        <= max(LIKE * abs(a.value), *(0.0 if n.whole else n.unit for n in (a, b)))
        for a, b in zip(numbers, others, strict=True)
    )


def are_others(left: Tree, right: Tree) -> bool:
    """Whether two sides are numbers that have nothing to do with each other."""
    return is_bare(left) and is_bare(right) and not _alike(left, right)
