"""What an author may have meant for a formula: one sign, factor or power of it another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from .syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Sum,
    Symbol,
    Tree,
    inside,
    key_of,
    parts,
    with_parts,
)

HALF = Literal("0.5", 0.5, 1)
ONE = Literal("1", 1.0, 0)
TWO = Literal("2", 2.0, 0)
ACTIVATIONS = ("sigmoid", "tanh", "relu")
Change = Callable[[Tree], Iterator[Tree]]


def variants(formula: Tree) -> Iterator[Tree]:
    """Yield formulas that differ by one sign, or by a factor of 2 before all or in a function."""
    yield from somewhere(formula, signs)
    yield Negative(formula)
    yield from scaled(formula)


def further_variants(formula: Tree) -> Iterator[Tree]:
    """Yield formulas that differ by a power, a stroke, an activation or a bias."""
    for change in (_powers, _strokes, activations, _biases):
        yield from somewhere(formula, change)


def somewhere(tree: Tree, change: Change) -> Iterator[Tree]:
    """Yield a tree with one part of it changed, at whichever place."""
    yield from change(tree)
    if key_of(tree) is not None:
        return
    for i, part in enumerate(before := parts(tree)):
        for other in somewhere(part, change):
            yield with_parts(tree, (*before[:i], other, *before[i + 1 :]))


def scaled(tree: Tree) -> Iterator[Tree]:
    """Yield half of a formula, and twice as much."""
    for factor in (HALF, TWO):
        yield Product((factor, tree), ("", "*"))


def signs(tree: Tree) -> Iterator[Tree]:
    """Yield a formula with one of its own signs another."""
    match tree:
        case Sum(terms):
            for i, term in enumerate(terms):
                flipped = term.body if isinstance(term, Negative) else Negative(term)
                yield Sum((*terms[:i], flipped, *terms[i + 1 :]))
        case Negative(body):
            yield body
        case FunctionCall(_, (body,)) if key_of(tree) is None:
            for other in (Negative(body), *scaled(body)):
                yield replace(tree, arguments=(other,))


def _powers(tree: Tree) -> Iterator[Tree]:
    match tree:
        case Power(base, _):
            yield base
        case Sum() | Symbol():
            yield Power(tree, TWO)


def constants(tree: Tree) -> Iterator[Tree]:
    """Yield one of the constants of the field's formulas for another."""
    if isinstance(tree, Literal):
        yield from (number for number in (HALF, ONE, TWO) if number != tree)


def _strokes(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Product):
        for i, sign in enumerate(tree.signs[1:], 1):
            other = "*" if sign == "/" else "/"
            yield replace(tree, signs=(*tree.signs[:i], other, *tree.signs[i + 1 :]))


def activations(tree: Tree) -> Iterator[Tree]:
    """Yield an activation's call with another one for it."""
    if isinstance(tree, FunctionCall) and tree.function in ACTIVATIONS:
        yield from (replace(tree, function=f) for f in ACTIVATIONS if f != tree.function)


def _biases(tree: Tree) -> Iterator[Tree]:
    """Yield a layer's product with the bias that its weights have by their name."""
    if not isinstance(tree, Product) or "/" in tree.signs:
        return
    for part in inside(tree):
        if isinstance(part, Symbol) and part.base == "W":
            yield Sum((tree, Symbol("b", part.index)))
        elif isinstance(part, Symbol) and part.key.endswith(".weight"):
            yield Sum((tree, Symbol(part.key.removesuffix("weight") + "bias")))
