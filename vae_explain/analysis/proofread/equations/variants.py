"""What an author may have meant for a formula: one sign or factor of it another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from .parser import parse
from .syntax import Call, Literal, Negative, Product, Sum, Total, Tree
from .tokens import lex

HALF = Literal("0.5", 0.5, 1)
TWO = Literal("2", 2.0, 0)


def variants(formula: Tree) -> Iterator[Tree]:
    """Yield formulas that differ by the sign of one term, or by a factor of 2 or -1 before all."""
    yield from _signs(formula)
    yield Negative(formula)
    yield Product((HALF, formula), ("", "*"))
    yield Product((TWO, formula), ("", "*"))


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
        case Call(_, (body,)):
            yield replace(tree, arguments=(Negative(body),))
            for inner in _signs(body):
                yield replace(tree, arguments=(inner,))
        case Negative(body) | Total(_, body):
            for inner in _signs(body):
                yield replace(tree, body=inner)


@cache
def usual_divergence() -> Tree:
    """Return the divergence of a diagonal normal distribution from the standard one."""
    return parse(list(lex("0.5·Σ(σ² + μ² - 1 - log σ²)", 0, "text")))[0]
