"""The derivative of an expression by one part of it, as an expression again.

A rule states how an element is made; how the element moves with an operand follows. What
comes out reads as a textbook writes it: the inner derivative stands before the outer one, a
product of fractions is one fraction, and neither a factor of 1 nor a term of 0 is written.
`simplify.py` folds the constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from .build import TWO, exp, log, root, sigmoid, square, summed, tanh
from .expression import ONE, ZERO, Add, Apply, Div, Expression, Mul, Neg, Number, Opaque, Pow, Ref

WHERE = "where"  # the op that takes one of two for each element, by a condition


def _applied(function: str) -> Callable[[Expression], Expression]:
    return lambda u: Apply(function, (u,))


# How each of `FUNCTIONS` moves with its argument.
DERIVATIVES: dict[str, Callable[[Expression], Expression]] = {
    "exp": _applied("exp"),
    "log": lambda u: ONE / u,
    "sqrt": lambda u: Number(0.5) / root(u),
    "relu": _applied("gate"),
    "sigmoid": lambda u: sigmoid(u) * (ONE - sigmoid(u)),
    "tanh": lambda u: ONE - square(tanh(u)),
    "softplus": _applied("sigmoid"),
    "abs": _applied("sign"),
    "sin": _applied("cos"),
    "cos": lambda u: -Apply("sin", (u,)),
    "tan": lambda u: ONE + square(Apply("tan", (u,))),
    "asin": lambda u: ONE / root(ONE - square(u)),
    "acos": lambda u: -ONE / root(ONE - square(u)),
    "atan": lambda u: ONE / (ONE + square(u)),
    "sinh": _applied("cosh"),
    "cosh": _applied("sinh"),
    "asinh": lambda u: ONE / root(ONE + square(u)),
    "acosh": lambda u: ONE / root(square(u) - ONE),
    "atanh": lambda u: ONE / (ONE - square(u)),
    "lgamma": _applied("digamma"),
    "digamma": _applied("trigamma"),
    "erfinv": lambda u: Number(math.sqrt(math.pi) / 2) * exp(square(Apply("erfinv", (u,)))),
    "erfcx": lambda u: TWO * u * Apply("erfcx", (u,)) - Number(2 / math.sqrt(math.pi)),
    "Φ": _applied("φ"),
    "φ": lambda u: -u * Apply("φ", (u,)),
    # Steps: flat on both sides.
    **dict.fromkeys(("gate", "sign", "is_zero", "round", "floor", "trunc", "ceil"), lambda _: ZERO),
}


def derivative(
    expression: Expression, by: Expression, held: tuple[Expression, ...] = ()
) -> Expression:
    """Return how an expression moves with one of its parts.

    Parameters
    ----------
    by
        The node itself: one that is equal to it, but stands elsewhere, is held still.
    held
        Nodes that are known not to have it in them.

    Raises
    ------
    TypeError
        If the part stands in what has no derivative here, as `argmax` or a whole matrix.
    """
    return _Derivative((by, *held)).of(expression)


class _Derivative:
    """The derivative by the first of some nodes; none of them is taken apart."""

    def __init__(self, nodes: tuple[Expression, ...]) -> None:
        self.nodes = nodes

    def of(self, expression: Expression) -> Expression:
        if expression is self.nodes[0]:
            return ONE
        if self.is_node(expression):
            return ZERO
        match expression:
            case Number() | Ref():
                return ZERO
            case Add(terms):
                return _total(map(self.of, terms))
            case Neg(body):
                return _negative(self.of(body))
            case Mul(factors):
                return _total(
                    self.product(*factors[:at], self.of(factor), *factors[at + 1 :])
                    for at, factor in enumerate(factors)
                )
            case Div(above, below):
                of_above, of_below = self.of(above), self.of(below)
                first = ZERO if of_above == ZERO else self.quotient(of_above, below)
                if of_below == ZERO:
                    return first
                second = self.quotient(_negative(self.product(above, of_below)), square(below))
                return _total((first, second))
            case Pow(base, exponent):
                by_base = self.product(exponent, _lowered(base, exponent), self.of(base))
                by_exponent = self.product(expression, log(base), self.of(exponent))
                return _total((by_base, by_exponent))
            case Apply(function, (argument,)) if function in DERIVATIVES:
                inner = self.of(argument)
                return (
                    ZERO if inner == ZERO else self.product(inner, DERIVATIVES[function](argument))
                )
            case Opaque(name="where", arguments=(condition, *pieces), compute=choose):
                ways = tuple(map(self.of, pieces))
                return ways[0] if _same(*ways) else Opaque(WHERE, (condition, *ways), (), choose)
            case _:
                name = getattr(expression, "function", type(expression).__name__)
                raise TypeError(f"no derivative of {name}")

    def is_node(self, expression: Expression) -> bool:
        return any(expression is node for node in self.nodes)

    def product(self, *factors: Expression) -> Expression:
        """Write a product without its factors of 1, its fractions as one, its sign in front."""
        if ZERO in factors:
            return ZERO
        above: list[Expression] = []
        below: list[Expression] = []
        minus = False
        for factor in factors:
            while isinstance(factor, Div | Neg) and not self.is_node(factor):
                if isinstance(factor, Neg):
                    minus, factor = not minus, factor.body
                else:
                    below.insert(0, factor.denominator)
                    factor = factor.numerator
            above += self.factors(factor)
        joined = _joined(above)
        if minus:
            joined = Neg(joined)
        return self.quotient(joined, _joined(below)) if below else joined

    def quotient(self, above: Expression, below: Expression) -> Expression:
        """Write a fraction without a factor that stands above and below its line."""
        if isinstance(above, Div) and not self.is_node(above):
            return self.quotient(above.numerator, self.product(above.denominator, below))
        minus = isinstance(above, Neg) and not self.is_node(above)
        factors = self.factors(above.body if isinstance(above, Neg) and minus else above)
        at = next((at for at, factor in enumerate(factors) if _same(factor, below)), None)
        if at is None:
            return Div(above, below)
        rest = _joined([*factors[:at], *factors[at + 1 :]])
        return Neg(rest) if minus else rest

    def factors(self, expression: Expression) -> tuple[Expression, ...]:
        if isinstance(expression, Mul) and not self.is_node(expression):
            return expression.factors
        return (expression,)


def _lowered(base: Expression, exponent: Expression) -> Expression:
    """Write a power with an exponent that is smaller by 1."""
    if exponent == TWO:
        return base
    if isinstance(exponent, Number):
        return base ** Number(exponent.value - 1)
    return base ** (exponent - ONE)


def _total(terms: Iterable[Expression]) -> Expression:
    """Write a sum without its terms of 0."""
    return summed(term for term in terms if term != ZERO)


def _negative(body: Expression) -> Expression:
    if isinstance(body, Neg):
        return body.body
    return ZERO if body == ZERO else Neg(body)


def _same(first: Expression, second: Expression) -> bool:
    return first is second or (isinstance(first, Number) and first == second)


def _joined(factors: Iterable[Expression]) -> Expression:
    kept = tuple(factor for factor in factors if factor != ONE)
    return Mul(kept) if len(kept) > 1 else kept[0] if kept else ONE
