"""Folds the constants of an expression, so that a chain reads as a person would write it."""

from __future__ import annotations

from collections.abc import Iterable

from .expression import (
    ONE,
    ZERO,
    Add,
    Apply,
    Div,
    Expression,
    MatMul,
    Mul,
    Neg,
    Number,
    Opaque,
    Pow,
    Ref,
    Reshape,
    SumOver,
    Transpose,
    references,
)
from .shapes import expanded, shape_of

MINUS_ONE = Number(-1.0)
Term = tuple[float, tuple[Expression, ...]]  # a constant and the other factors


def simplify(expression: Expression) -> Expression:
    """Fold constants, so that a chain of factors reads as a person would write it.

    Products are flattened and their constants multiplied, zeros and ones vanish, like
    terms are added, and a constant common to all terms is taken out:
    `(-½)·1 + (-½)·(-1)·exp(logvar)` becomes `½·(exp(logvar) - 1)`.
    """
    match expression:
        case Add(terms):
            return _fold_sum(terms)
        case Mul() | Neg():
            return product_of(*_split(expression))
        case Div(numerator, denominator):
            above, below = simplify(numerator), simplify(denominator)
            if isinstance(below, Number) and isinstance(above, Number) and below.value:
                return Number(above.value / below.value)
            if below == ONE or above == ZERO:
                return above
            return Div(above, below)
        case Pow(base, exponent):
            below, above = simplify(base), simplify(exponent)
            if above == ONE:
                return below
            if above == ZERO:
                return ONE
            return Pow(below, above)
        case Apply(function, arguments):
            return Apply(function, tuple(simplify(argument) for argument in arguments))
        case MatMul(left, right):
            return MatMul(_operand(left), _operand(right))
        case Transpose(body):
            return _transposed(_operand(body))
        case Reshape(body, shape):
            inner = simplify(body)
            return Reshape(inner.body if isinstance(inner, Reshape) else inner, shape)
        case SumOver(body, axes, shape):
            return SumOver(_operand(body), axes, shape)
        case Opaque(name, arguments, options, compute):
            return Opaque(name, tuple(map(_operand, arguments)), options, compute)
        case _:
            return expression


def _operand(body: Expression) -> Expression:
    """Fold an operand of an op that is not elementwise, which has to keep its shape.

    A factor of 0, or a power of 0, may remove the tensor that gave the operand its shape.
    """
    folded = simplify(body)
    is_number = isinstance(folded, Number) and not isinstance(body, Number)
    if is_number or len(references(folded)) < len(references(body)):
        return expanded(folded, shape_of(body))
    return folded


def _transposed(body: Expression) -> Expression:
    """Transpose a formula without stacking transposes: `(zᵀ @ g)ᵀ` becomes `gᵀ @ z`."""
    match body:
        case Transpose(inner):
            return inner
        case MatMul(left, right) if isinstance(left, Transpose) or isinstance(right, Transpose):
            # A product with a vector has one axis less: its factors do not change places.
            if len(shape_of(left)) > 1 and len(shape_of(right)) > 1:
                return MatMul(_transposed(right), _transposed(left))
    return Transpose(body)


def _split(expression: Expression) -> tuple[float, tuple[Expression, ...]]:
    """Take a product apart into its constant and its other factors."""
    # Of a long sum's thousands of terms most are these, and `match` takes its time.
    kind = type(expression)
    if kind is Ref:
        return 1.0, (expression,)
    if kind is Mul:
        coefficient = 1.0
        rest: list[Expression] = []
        for factor in expression.factors:  # type: ignore[attr-defined]  # a Mul, as said above
            if type(factor) is Ref:
                rest.append(factor)
                continue
            inner, others = _split(factor)
            coefficient *= inner
            rest += others
        return coefficient, tuple(rest)
    match expression:
        case Number(value):
            return value, ()
        case Neg(body):
            coefficient, factors = _split(body)
            return -coefficient, factors
        case Ref():
            return 1.0, (expression,)
        case _:
            folded = simplify(expression)
            if isinstance(folded, Number | Mul | Neg):
                return _split(folded)
            return 1.0, (folded,)


def split_terms(expression: Expression) -> list[Term]:
    """Take a sum apart into its terms, each as its constant and its other factors."""
    return list(_flat_terms((expression,)))


def product_of(coefficient: float, factors: tuple[Expression, ...]) -> Expression:
    """Write a constant times some factors."""
    if coefficient == 0 or not factors:
        return Number(coefficient + 0.0)  # + 0.0: a folded zero carries no sign
    if coefficient == 1:
        return factors[0] if len(factors) == 1 else Mul(factors)
    return Mul((Number(coefficient), *factors))


def _fold_sum(terms: tuple[Expression, ...]) -> Expression:
    if len(terms) == 2:
        # A deviation from a mean, of which each term of a norm's gradient has one.
        first, second = terms
        if type(first) is Ref and type(second) is Neg and type(second.body) is Ref:
            return ZERO if first == second.body else Add((first, Mul((MINUS_ONE, second.body))))
    collected: dict[tuple[Expression, ...], float] = {}
    for coefficient, factors in _flat_terms(terms):
        collected[factors] = collected.get(factors, 0.0) + coefficient
    kept = [(coefficient, factors) for factors, coefficient in collected.items() if coefficient]
    if not kept:
        return ZERO
    if len(kept) == 1:
        return product_of(*kept[0])
    common = abs(kept[0][0])
    if common != 1 and all(abs(coefficient) == common for coefficient, _ in kept):
        return product_of(common, (_ordered_sum([(c / common, f) for c, f in kept]),))
    return _ordered_sum(kept)


def _flat_terms(terms: tuple[Expression, ...]) -> Iterable[Term]:
    for term in terms:
        coefficient, factors = _split(term)
        if len(factors) == 1 and isinstance(factors[0], Add):
            for inner, others in _flat_terms(factors[0].terms):
                yield coefficient * inner, others
        else:
            yield coefficient, factors


def _ordered_sum(parts: list[tuple[float, tuple[Expression, ...]]]) -> Expression:
    # A sum that opens with a minus reads badly: the first positive term goes in front.
    if parts[0][0] < 0:
        first = next((i for i, (coefficient, _) in enumerate(parts) if coefficient > 0), 0)
        parts = [parts[first], *parts[:first], *parts[first + 1 :]]
    return Add(tuple(product_of(*part) for part in parts))
