"""Short names for building expressions, so that a rule reads like the formula it states."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from .expression import ONE, ZERO, Add, Apply, Expression, Number

HALF, TWO, THREE = Number(0.5), Number(2.0), Number(3.0)


def exp(body: Expression) -> Expression:
    return Apply("exp", (body,))


def log(body: Expression) -> Expression:
    return Apply("log", (body,))


def root(body: Expression) -> Expression:
    return Apply("sqrt", (body,))


def square(body: Expression) -> Expression:
    return body**TWO


def sigmoid(body: Expression) -> Expression:
    return Apply("sigmoid", (body,))


def tanh(body: Expression) -> Expression:
    return Apply("tanh", (body,))


def softplus(body: Expression) -> Expression:
    return Apply("softplus", (body,))


def absolute(body: Expression) -> Expression:
    return Apply("abs", (body,))


def sign(body: Expression) -> Expression:
    return Apply("sign", (body,))


def scaled(factor: float, body: Expression) -> Expression:
    """Write a multiple; once is the body itself."""
    return body if factor == 1 else Number(float(factor)) * body


def summed(terms: Iterable[Expression]) -> Expression:
    """Write a sum; one term stands alone, and none is 0."""
    written = tuple(terms)
    return Add(written) if len(written) > 1 else written[0] if written else ZERO


def multiplied(factors: Iterable[Expression]) -> Expression:
    """Write a product; one factor stands alone, and none is 1."""
    written = tuple(factors)
    return reduce(lambda a, b: a * b, written) if written else ONE
