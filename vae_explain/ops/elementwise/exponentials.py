"""Exponentials and the logarithm of their sum, written so that none leaves the range."""

from __future__ import annotations

from collections.abc import Sequence

from ...symbolic.build import exp, log
from ...symbolic.expression import Add, Expression, Number, evaluate

# Numbers whose exponential would leave what a float64 can hold are moved before it is taken.
FARTHEST = 600.0


def shift_of(terms: Sequence[Expression]) -> Number | None:
    """Return what to take off before exp; None where no exponential leaves the range."""
    largest = max(map(evaluate, terms))
    return Number(largest) if abs(largest) > FARTHEST else None


def shifted(body: Expression, shift: Number | None) -> Expression:
    return body if shift is None else body - shift


def log_total(terms: Sequence[Expression]) -> Expression:
    """Write the logarithm of a sum of exponentials."""
    shift = shift_of(terms)
    total = log(Add(tuple(exp(shifted(term, shift)) for term in terms)))
    return total if shift is None else shift + total
