"""What is one thing here and another there: how a piece is chosen by a number.

The number is that of one element, or an array; or it is not known yet, and the formula then has
both pieces, with a condition.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from ..quick_classes import NamedTuple
from ..symbolic.derivative import WHERE
from ..symbolic.expression import (
    Apply,
    Each,
    Expression,
    Number,
    Opaque,
    Ref,
    references,
)
from ..symbolic.measure import evaluate
from ..trace import Array
from .array_functions import on_arrays
from .at_once import NotAtOnce

COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
UNDECIDED: ContextVar[bool] = ContextVar("undecided", default=False)


@contextmanager
def undecided() -> Iterator[None]:
    """Write both pieces of what is chosen by a number, with the condition between them."""
    token = UNDECIDED.set(True)
    try:
        yield
    finally:
        UNDECIDED.reset(token)


class Condition(Opaque):
    """How two numbers compare that are not known yet, or two such conditions together."""

    __slots__ = ()

    def __or__(self, other: Any) -> Any:
        if isinstance(other, Opaque):
            return Condition("|", (self, other))
        return True if other else self

    def __and__(self, other: Any) -> Any:
        if isinstance(other, Opaque):
            return Condition("&", (self, other))
        return self if other else False

    __ror__, __rand__ = __or__, __and__


class Unknown(NamedTuple):
    """A number that is not known yet; how it compares is written as a condition."""

    of: Expression

    def _is(self, sign: str, limit: Any) -> Any:
        other = limit.of if isinstance(limit, Unknown) else Number(float(limit))
        if isinstance(self.of, Number) and isinstance(other, Number):
            return COMPARED[sign](self.of.value, other.value)
        return Condition(sign, (self.of, other))

    def __abs__(self) -> Unknown:
        return Unknown(Apply("abs", (self.of,)))

    def __gt__(self, limit: Any) -> Any:
        return self._is(">", limit)

    def __lt__(self, limit: Any) -> Any:
        return self._is("<", limit)

    def __ge__(self, limit: Any) -> Any:
        return self._is(">=", limit)

    def __le__(self, limit: Any) -> Any:
        return self._is("<=", limit)


class Values(Ref):
    """All elements of an operand at once."""

    __slots__ = ()


class Looked(Exception):
    """A slope goes by a number, where only its form is asked for."""


class UnknownOperand(Ref):
    """Stands for an operand of which no number is known."""

    __slots__ = ()


MARKS = tuple(UnknownOperand(f"operand {at}") for at in range(8))


def number(expression: Expression) -> Any:
    """Return what an expression comes to: one number, or in `forward` and `vjp` an array.

    In the formula of a named tensor it is NaN, which lies on no side of a limit.
    """
    if UNDECIDED.get():
        return Unknown(expression)
    refs = [expression] if isinstance(expression, Ref) else references(expression)
    if any(isinstance(ref, UnknownOperand) for ref in refs):
        raise Looked
    if any(isinstance(ref, Values | Each) for ref in refs):
        return np.asarray(on_arrays(expression))
    if any(np.ndim(ref.value) for ref in refs):
        return math.nan
    return evaluate(expression)


def one_number(expression: Expression) -> Any:
    """Return `number` of what has another formula for each, and so none for many elements."""
    written = number(expression)
    if np.ndim(written) and not isinstance(written, Unknown):
        raise NotAtOnce
    return written


def choose(condition: Any, then: Expression, otherwise: Expression) -> Expression:
    """Return the piece that holds for an element; over arrays, each piece where it holds.

    The condition compares a `number`: it is one truth value, or an array of them.
    """
    if isinstance(condition, Opaque):
        return Opaque(WHERE, (condition, then, otherwise), (), taken_where)
    if not isinstance(condition, np.ndarray | np.generic):
        return then if condition else otherwise
    if not condition.any():
        return otherwise
    return Opaque(WHERE, (Values("condition", value=condition), then, otherwise), (), taken_where)


def taken_where(condition: Array, then: Any, otherwise: Any) -> Array:
    """Choose in the precision of the arrays, which a plain number takes on."""
    types = {array.dtype for array in (then, otherwise) if isinstance(array, np.ndarray)}
    dtype = np.result_type(*types) if types else None
    return np.where(condition, np.asarray(then, dtype), np.asarray(otherwise, dtype))
