"""The arithmetic of one number, as a tree.

A tree holds constants, references to values with their names and numbers, and the operations
below. `measure.py` evaluates it; `boxes.py` lays it out for every notation; `simplify.py` folds its
constants. Nothing here rounds.

The same nodes serve one element (`Ref("mu", (0, 1))` holding a float) and a whole
tensor (`Ref("mu")` holding an array), so a formula is checked the same way as a line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, Literal, Protocol

from ..quick_classes import dataclass
from .functions import FUNCTIONS as FUNCTIONS  # re-exported beside the nodes that name them

Index = tuple[int, ...]
Role = Literal["input", "parameter", "noise", "value", "gradient", "constant", "operator"]


class Expression:
    """A node; the operators exist so that a rule reads like the formula it states."""

    __slots__ = ()

    def __add__(self, other: Expression) -> Expression:
        return Add((self, other))

    def __sub__(self, other: Expression) -> Expression:
        return Add((self, Neg(other)))

    def __mul__(self, other: Expression) -> Expression:
        return Mul((self, other))

    def __truediv__(self, other: Expression) -> Expression:
        return Div(self, other)

    def __pow__(self, exponent: Expression) -> Expression:
        return Pow(self, exponent)

    def __neg__(self) -> Expression:
        return Neg(self)


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A constant of the formula itself, such as the 2 of a square."""

    value: float


@dataclass(frozen=True, slots=True)
class Ref(Expression):
    """A named value, or one element of it; two are equal when they name the same number.

    A number that appears only in a line, such as the mean of a norm, has its expression in
    `made`; that of a value of the run is in the run's trace.
    """

    name: str
    index: Index | None = None
    role: Role = "value"
    value: Any = field(default=math.nan, compare=False)
    made: Callable[[], Expression] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Each(Ref):
    """One number for each summand of a long sum; `value` holds them all.

    The formula of such a summand is an expression with these leaves; see `ops/at_once.py`.

    Attributes
    ----------
    places
        The index of each, axis by axis: an array where they differ.
    one
        Makes the reference to the number at one index.
    """

    key: tuple[int, ...] = field(default=(), kw_only=True)  # tells the arrays of `places` apart
    places: tuple[Any, ...] = field(default=(), compare=False, repr=False, kw_only=True)
    one: Callable[[Index], Expression] | None = field(
        default=None, compare=False, repr=False, kw_only=True
    )


class Unwritten(Protocol):
    """The terms of a long sum that are not written out, as arrays."""

    @property
    def magnitude(self) -> float:
        """What rounding their sum is relative to, as in `measure`."""
        ...

    def enclosure(self, precision: Any, own: str) -> tuple[float, float]:
        """Return the smallest and the largest number that their sum may come to."""
        ...


@dataclass(frozen=True, slots=True)
class Rest(Ref):
    """The sum of those terms of a long sum that are not written out; `count` is how many.

    `terms` are these, where more is known of them than their sum.
    """

    count: int = field(default=0, kw_only=True)
    terms: Unwritten | None = field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Add(Expression):
    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Mul(Expression):
    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Neg(Expression):
    body: Expression


@dataclass(frozen=True, slots=True)
class Div(Expression):
    numerator: Expression
    denominator: Expression


@dataclass(frozen=True, slots=True)
class Pow(Expression):
    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Apply(Expression):
    """One of `FUNCTIONS` applied to its argument, or one of `OF_SEVERAL` to several."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MatMul(Expression):
    """A matrix product; only in formulas over whole tensors."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Transpose(Expression):
    body: Expression


@dataclass(frozen=True, slots=True)
class Reshape(Expression):
    """The same numbers in another shape; only in formulas over whole tensors."""

    body: Expression
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SumOver(Expression):
    """A sum over axes of a whole tensor; `shape` is what remains after it."""

    body: Expression
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def over(self) -> str:
        """The axes, as `0` or `(0, 2)`; empty where all is summed and they need no mention."""
        if math.prod(self.shape) <= 1:
            return ""
        return str(self.axes[0]) if len(self.axes) == 1 else str(self.axes)


@dataclass(frozen=True, slots=True)
class Opaque(Expression):
    """An op over whole tensors written as its call, `conv2d(x, weight, stride=2)`.

    For an op that has no shorter formula than its name. A name that starts with a dot or a
    bracket follows its argument: `h[:, :2]`. Two calls are equal when they are written alike,
    so each name must mean one computation only.
    """

    name: str
    arguments: tuple[Expression, ...]
    options: tuple[tuple[str, Any], ...] = ()
    compute: Callable[..., Any] = field(default=lambda *_: math.nan, compare=False, repr=False)


ZERO = Number(0.0)
ONE = Number(1.0)
# Functions that compare numbers: their maximum, and the index of the largest or smallest.
PLACES = ("argmax", "argmin")
OF_SEVERAL = ("max", *PLACES)


# --- walking ----------------------------------------------------------------------------


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the parts of a node, in the order in which they are written."""
    match expression:
        case Add(parts) | Mul(parts) | Apply(_, parts) | Opaque(_, parts):
            return parts
        case Neg(body) | Transpose(body) | SumOver(body) | Reshape(body):
            return (body,)
        case Div(left, right) | Pow(left, right) | MatMul(left, right):
            return (left, right)
        case _:
            return ()


def rebuilt(expression: Expression, each: Callable[[Expression], Expression]) -> Expression:
    """Return the arithmetic of a number with `each` applied to its parts, one level down.

    What has no parts, and what stands for a whole tensor, stays as it is.
    """
    match expression:
        case Add(parts):
            return Add(tuple(map(each, parts)))
        case Mul(parts):
            return Mul(tuple(map(each, parts)))
        case Neg(body):
            return Neg(each(body))
        case Div(above, below):
            return Div(each(above), each(below))
        case Pow(base, exponent):
            return Pow(each(base), each(exponent))
        case Apply(function, parts):
            return Apply(function, tuple(map(each, parts)))
        case _:
            return expression


def nodes(expression: Expression) -> Iterator[Expression]:
    """Yield a tree's nodes, each before its parts."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def references(expression: Expression) -> list[Ref]:
    """Return the references of a tree, each once, in order of appearance."""
    return list(dict.fromkeys(node for node in nodes(expression) if isinstance(node, Ref)))


def terms_of(expression: Expression) -> tuple[Expression, ...]:
    """Return the terms of a sum; any other expression is its own only term."""
    return expression.terms if isinstance(expression, Add) else (expression,)


def terms_in(expression: Expression) -> int:
    """Return how many terms of a long sum an expression stands for: a `Rest` for several."""
    rest = next((ref for ref in references(expression) if isinstance(ref, Rest)), None)
    return 1 if rest is None else rest.count
