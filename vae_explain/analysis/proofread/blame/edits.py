"""Arithmetic with a sign, a factor or a term of it another, which comes to what is printed.

A result that stands elsewhere too is seldom wrong: then an author has written `a + b·c` for
`a − b·c`, has left out `½`, or a term that the document has in other places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain

from ..arithmetic.damages import EXACTLY
from ..arithmetic.demands import solved
from ..arithmetic.evaluation import half
from ..arithmetic.results import gives, middle_of
from ..arithmetic.seen import Seen
from ..arithmetic.sides import MANY, TELLING, EquationMistake
from ..grammar.cursor import literal
from ..grammar.syntax import (
    Literal,
    Negative,
    Product,
    Sum,
    Tree,
    inside,
    is_bare,
    is_numeric,
    literals,
    replaced,
)
from ..grammar.variants import scaled, signs, somewhere

MOST_OPERANDS = 12  # of arithmetic in which a lost term is looked for
FINER = 12  # decimals that what is left of a sum may have fewer than the sum
FEWEST_DIGITS = 2  # of a result, for it to tell what it follows from
NEAR = 0.01  # of a term, by which the number that it was may be off


def meant_arithmetic(
    tree: Tree, number: Literal, wrong: EquationMistake | None, seen: Seen, borne_out: bool
) -> Tree | None:
    """Return what was meant for arithmetic whose result stands elsewhere, or is borne out.

    Parameters
    ----------
    wrong
        An operand that explains the result too.
    """
    if is_bare(tree) or not is_numeric(tree) or not number.value:
        return None
    if wrong is not None and seen.stands(wrong.value) and not _is_of_sum(wrong, tree, seen):
        return None
    other = _with_other_sign(tree, number)
    if number.significant < FEWEST_DIGITS:
        return other if seen.stands_elsewhere(number) and _is_exact(other, number) else None
    if not (borne_out or seen.stands_elsewhere(number)):
        # No author subtracts and writes a plus; that one adds by mistake may be.
        added = other is not None and _subtracts_more(other, tree)
        return other if added and number.significant >= MANY else None
    if other is None and (borne_out or number.significant > TELLING):
        other = _with_other_factor(tree, number)
    if other is None and not _is_as_short(wrong):
        other = _with_lost_term(tree, number, seen)
    return other


def _with_other_sign(tree: Tree, number: Literal) -> Tree | None:
    return next((other for other in somewhere(tree, signs) if gives(other, [number])), None)


def _with_other_factor(tree: Tree, number: Literal) -> Tree | None:
    """Return the arithmetic that comes to a number, where all or a term of it is halved."""
    others = chain(scaled(tree), _with_scaled_terms(tree))
    return next((other for other in others if gives(other, [number])), None)


def _with_lost_term(tree: Tree, number: Literal, seen: Seen) -> Tree | None:
    """Return the arithmetic that comes to a number with a term more, which the document has."""
    operands = literals(tree)
    value = middle_of(tree)
    tried = 2 * len(seen.counts) * (len(operands) + 1)  # each number, added or subtracted there
    if value is None or value.ndim or len(operands) > MOST_OPERANDS:
        return None
    if 10**number.significant < tried:  # one of them comes to it by chance
        return None
    terms = tree.terms if isinstance(tree, Sum) else (tree,)
    others: list[Tree] = [Sum((*terms, term)) for term in _terms(number.value - float(value), seen)]
    for place, old in enumerate(operands):
        needed = solved(tree, place, middle_of, half(number), FINER)
        if needed is not None and isinstance(needed.new, Literal):
            roots = (needed.new.value, -needed.new.value)  # one is another's, as of a square
            lost = (term for root in roots for term in _terms(root - old.value, seen))
            others += [replaced(tree, place, Sum((old, term))) for term in lost]
    return next((other for other in others if gives(other, [number])), None)


def _is_as_short(wrong: EquationMistake | None) -> bool:
    """Whether an operand was meant with no more digits than it has, and no sum for it."""
    if wrong is None or wrong.number is None:
        return False
    return literal(wrong.expected).significant <= wrong.number.significant


def _is_of_sum(wrong: EquationMistake, tree: Tree, seen: Seen) -> bool:
    """Whether a number's other sign is that before a term, as no such number stands elsewhere."""
    number = wrong.number
    if number is None or wrong.value != -number.value or seen.counts[wrong.value]:
        return False
    terms = (term for part in inside(tree) if isinstance(part, Sum) for term in part.terms[1:])
    first = (term.factors[0] if isinstance(term, Product) else term for term in terms)
    return any(one is number for one in first)


def _is_exact(tree: Tree | None, number: Literal) -> bool:
    """Whether arithmetic comes to a number with no rounding, as `1 − 0.9` to 0.1."""
    value = None if tree is None else middle_of(tree)
    return value is not None and math.isclose(float(value), number.value, rel_tol=EXACTLY)


def _subtracts_more(tree: Tree, other: Tree) -> bool:
    """Whether arithmetic has more minus signs than other arithmetic."""
    ours, theirs = (sum(isinstance(p, Negative) for p in inside(t)) for t in (tree, other))
    return ours > theirs


def _terms(lost: float, seen: Seen) -> Iterator[Tree]:
    """Yield the numbers of a document that a sum has lost."""
    for number in seen.near(abs(lost), NEAR * abs(lost)):
        if not number.whole:  # what stands in any document
            yield number if lost > 0 else Negative(number)


def _with_scaled_terms(tree: Tree) -> Iterator[Tree]:
    if isinstance(tree, Sum):
        for i, term in enumerate(tree.terms):
            body = term.body if isinstance(term, Negative) else term
            for other in scaled(body) if isinstance(body, Product | Sum) else ():
                new = Negative(other) if isinstance(term, Negative) else other
                yield Sum((*tree.terms[:i], new, *tree.terms[i + 1 :]))
