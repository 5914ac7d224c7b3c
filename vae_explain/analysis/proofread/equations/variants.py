"""What an author may have meant for a formula: one sign or factor of it another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .syntax import FunctionCall, Literal, Negative, Power, Product, Sum, Total, Tree

HALF = Literal("0.5", 0.5, 1)
TWO = Literal("2", 2.0, 0)


def variants(formula: Tree) -> Iterator[Tree]:
    """Yield formulas that differ by one sign, or by a factor of 2 before all or in a function."""
    yield from _signs(formula)
    yield Negative(formula)
    yield from _scaled(formula)


def _scaled(tree: Tree) -> Iterator[Tree]:
    for factor in (HALF, TWO):
        yield Product((factor, tree), ("", "*"))


def _signs(tree: Tree) -> Iterator[Tree]:
    """Yield a tree with one term of a sum in it of another sign, down to where the sums are."""
    match tree:
        case Sum(terms):
            for i, term in enumerate(terms):
                flipped = term.body if isinstance(term, Negative) else Negative(term)
                yield Sum((*terms[:i], flipped, *terms[i + 1 :]))
                for inner in _signs(term):
                    yield Sum((*terms[:i], inner, *terms[i + 1 :]))
        case Product(factors, _):
            for i, factor in enumerate(factors):
                for inner in _signs(factor):
                    yield replace(tree, factors=(*factors[:i], inner, *factors[i + 1 :]))
        case FunctionCall(_, (body,)):
            for other in (Negative(body), *_scaled(body)):
                yield replace(tree, arguments=(other,))
            for inner in _signs(body):
                yield replace(tree, arguments=(inner,))
        case Power(base, exponent):
            yield from (Power(inner, exponent) for inner in _signs(base))
        case Negative(body) | Total(_, body):
            for inner in _signs(body):
                yield replace(tree, body=inner)
