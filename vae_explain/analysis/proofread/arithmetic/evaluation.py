"""What a formula gives, where its numbers are intervals and its names are looked up."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np

from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Sum,
    Symbol,
    Total,
    Transposed,
    Tree,
    is_numeric,
    key_of,
)
from . import intervals
from .intervals import Range, exactly, outward

PRECISION = 40  # digits; twice what anybody prints
MOST_NUMBERS = 1_000_000  # in one array that a formula makes
MOST_CHOSEN = 60  # things of a binomial coefficient
Leaf = Callable[[Literal], Range]
Lookup = Callable[[Tree, Leaf], Range | None]
KNOWN_BY = 3  # digits by which a number is told from another that happens to be printed alike
CONSTANTS = {"π": math.pi, "e": math.e}


class CannotEvaluate(Exception):
    """A formula that cannot be evaluated: a name without a value, shapes that do not fit."""


def as_printed(number: Literal) -> Range:
    """Take a number for what its digits say."""
    return exactly(number.value)


def half(number: Literal) -> Range:
    """Return all that is printed as a number."""
    by = max(number.unit / 2, number.tolerance)
    ends = number.value - by, number.value + by
    return outward(*np.asarray(ends))


def as_rounded(number: Literal) -> Range:
    """Return what a number may be: a whole one only what it is, another what rounds to it."""
    return as_printed(number) if number.whole else half(number)


def as_chosen(number: Literal) -> Range:
    """Return what a number may be: one of few digits only what an author chose."""
    chosen = number.significant < KNOWN_BY and not number.tolerance
    return as_printed(number) if chosen else as_rounded(number)


def nothing(name: Tree, leaf: Leaf) -> Range | None:
    """Know no name."""
    return None


def evaluate(tree: Tree, leaf: Leaf = as_printed, lookup: Lookup = nothing) -> Range:
    """Return all that a formula may give.

    Raises
    ------
    Unknown
        If it holds a name without a value, or arrays that do not fit each other.
    """
    if leaf is as_printed and is_numeric(tree):
        exact = in_decimals(tree)
        if exact is not None:
            return exact
    with np.errstate(all="ignore"):
        try:
            bounds = _Evaluation(leaf, lookup).of(tree)
        except (ValueError, IndexError) as misfit:
            raise CannotEvaluate(str(misfit)) from None
    if not bounds.finite:
        raise CannotEvaluate("it is not finite")
    return bounds


def in_decimals(tree: Tree) -> Range | None:
    """Return what arithmetic on single numbers gives, as a person with decimals computes it.

    `1 - 0.9999999999999987` is 13e-16, which float64 has not enough digits for. None for what
    decimals do not do: arrays, and functions without an exact form.
    """
    try:
        with localcontext() as context:
            context.prec, context.Emax, context.Emin = PRECISION, 999, -999
            exact = _decimal(tree)
    except (ArithmeticError, ValueError, _NoDecimal):
        return None
    nearest = float(exact)
    if not math.isfinite(nearest) or (exact and not nearest):
        return None
    return exactly(nearest) if Decimal(nearest) == exact else outward(*np.asarray((nearest,) * 2))


class _NoDecimal(Exception):
    """What decimals do not do."""


def _decimal(tree: Tree) -> Decimal:
    match tree:
        case Literal(text):
            percent = text.endswith("%")
            result = Decimal(text.rstrip("%").replace(",", ""))
            return result / 100 if percent else result
        case Negative(body):
            return -_decimal(body)
        case Sum(terms):
            return sum(map(_decimal, terms), start=Decimal(0))
        case Product(factors, signs) if "@" not in signs:
            result = _decimal(factors[0])
            for factor, sign in zip(factors[1:], signs[1:], strict=True):
                other = _decimal(factor)
                result = result / other if sign == "/" else result * other
            return result
        case Power(base, Literal(value=exponent)) if exponent in (2.0, 3.0):
            return _decimal(base) ** int(exponent)
        case FunctionCall("exp", (argument,)):
            return _decimal(argument).exp()
        case FunctionCall("sqrt", (argument,)):
            return _decimal(argument).sqrt()
    raise _NoDecimal


class _Evaluation:
    def __init__(self, leaf: Leaf, lookup: Lookup) -> None:
        self.leaf, self.lookup = leaf, lookup

    def of(self, tree: Tree) -> Range:
        if not isinstance(tree, Literal) and key_of(tree) is not None:
            bounds = self.lookup(tree, self.leaf)
            if bounds is not None:
                return bounds
        match tree:
            case Literal():
                return self.leaf(tree)
            case Symbol():
                if tree.key in CONSTANTS:
                    return exactly(CONSTANTS[tree.key])
                raise CannotEvaluate(tree.key)
            case Negative(body):
                return intervals.negative(self.of(body))
            case Sum(terms):
                bounds = self.of(terms[0])
                for term in terms[1:]:
                    bounds = intervals.add(*_alike(bounds, self.of(term)))
                return bounds
            case Product():
                return self._product(tree)
            case Power(base, exponent):
                bounds, power = self.of(base), self.of(exponent)
                if _is_matrix(base, bounds):
                    return _power_of_matrix(bounds, power)
                return intervals.power(*_alike(bounds, power))
            case FunctionCall(function, arguments):
                return self._call(function, [self.of(argument) for argument in arguments])
            case Row(entries):
                return _row([self.of(entry) for entry in entries])
            case Total(function, body, axis):
                return self._total(function, body, axis)
            case Transposed(body):
                inner = self.of(body)
                return Range(np.transpose(inner.low), np.transpose(inner.high))

    def _product(self, tree: Product) -> Range:
        bounds = self.of(tree.factors[0])
        for factor, sign in zip(tree.factors[1:], tree.signs[1:], strict=True):
            other = self.of(factor)
            if sign == "/":
                bounds = intervals.divide(*_alike(bounds, other))
            elif sign == "⊙":
                bounds = intervals.multiply(*_alike(bounds, other))
            elif sign != "*" and _are_column_and_row(bounds.shape, other.shape):
                bounds = intervals.multiply(bounds, other)
            elif sign == "@" or multiplies_matrices(bounds.shape, other.shape, sign):
                bounds = intervals.dot(bounds, other)
            else:
                bounds = intervals.multiply(*_alike(bounds, other))
            if bounds.low.size > MOST_NUMBERS:
                raise CannotEvaluate("it has too many numbers")
        return bounds

    def _call(self, function: str, arguments: list[Range]) -> Range:
        if function in ("max", "min") and len(arguments) > 1:
            choose = np.maximum if function == "max" else np.minimum
            low = choose.reduce([a.low for a in arguments])
            return Range(low, choose.reduce([a.high for a in arguments]))
        if function in ("dot", "pow") and len(arguments) == 2:
            return (intervals.dot if function == "dot" else intervals.power)(*arguments)
        if function == "binomial" and len(arguments) == 2:
            return _binomial(*arguments)
        if function == "softmax" and len(arguments) > 1:
            arguments = [_row(arguments)]
        if function == "round" and arguments:
            return arguments[0]  # to how many digits shows what is printed
        if len(arguments) != 1:
            raise CannotEvaluate(function)
        (argument,) = arguments
        if function in ("max", "min"):
            largest_or_smallest = np.max if function == "max" else np.min
            return Range(
                np.asarray(largest_or_smallest(argument.low)),
                np.asarray(largest_or_smallest(argument.high)),
            )
        alone = function == "softmax" and not argument.shape  # one of which the others are unknown
        if alone or function not in intervals.FUNCTIONS:
            raise CannotEvaluate(function)
        return intervals.FUNCTIONS[function](argument)

    def _total(self, function: str, body: Tree, axis: int | None) -> Range:
        if body == Symbol("e") and self.lookup(body, self.leaf) is None:
            raise CannotEvaluate("a sum of errors")
        bounds = self.of(body)
        # A sum over the one number that a name has is that number.
        if function == "sum" and (bounds.shape or not is_numeric(body)):
            if axis is None or max(bounds.shape, default=1) == bounds.low.size:
                return intervals.total(bounds)
            if not -len(bounds.shape) <= axis < len(bounds.shape):  # of a matrix in a larger tensor
                raise CannotEvaluate("a sum along an axis that is not shown")
            return intervals.total(bounds, axis)
        raise CannotEvaluate("a sum over what it does not write out")


def _alike(left: Range, right: Range) -> tuple[Range, Range]:
    """Return two arrays of one shape, a row laid beside a row where one is written as a column."""
    a, b = left.shape, right.shape
    if a == b or not a or not b:
        return left, right
    if left.low.size == right.low.size and {n for n in a if n != 1} == {n for n in b if n != 1}:
        return left, Range(right.low.reshape(a), right.high.reshape(a))
    if len(a) == len(b) or a[-1] == b[-1]:
        return left, right  # as arrays are broadcast
    raise ValueError("shapes that do not fit")


def _are_column_and_row(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether a product is of each number of a column with each of a row."""
    return len(a) == 2 and a[0] > 1 == a[1] and len(b) == 1


def multiplies_matrices(a: tuple[int, ...], b: tuple[int, ...], sign: str) -> bool:
    """Whether a product without a sign of its own is one of matrices, as the shapes say."""
    if not a or not b:
        return False
    if len(a) == len(b) == 1:
        return a == b
    if sign == "*" and a == b:
        return False
    return a[-1] == b[0 if len(b) == 1 else -2]


def _row(entries: list[Range]) -> Range:
    return Range(np.stack([e.low for e in entries]), np.stack([e.high for e in entries]))


def _is_matrix(base: Tree, bounds: Range) -> bool:
    """Whether a quantity is a matrix by its capital and its shape: `A`, and not `σ` of a batch."""
    capital = isinstance(base, Symbol) and base.base[:1].isupper()
    return capital and len(bounds.shape) == 2 and min(bounds.shape) > 1


def _power_of_matrix(matrix: Range, exponent: Range) -> Range:
    """Return the inverse of a matrix; other powers may be of the matrix or of each number."""
    known = np.array_equal(matrix.low, matrix.high)
    if exponent.shape or exponent.middle != -1 or not known:
        raise CannotEvaluate("a power of a matrix")
    try:
        inverse = np.linalg.inv(matrix.low)
    except np.linalg.LinAlgError as why:
        raise CannotEvaluate("the inverse of a matrix that has none") from why
    return outward(inverse, inverse)


def _binomial(n: Range, k: Range) -> Range:
    """Return in how many ways k of n can be chosen, where both are whole numbers."""
    numbers = [float(bounds.middle) for bounds in (n, k) if not bounds.shape]
    if len(numbers) < 2 or not all(0 <= m <= MOST_CHOSEN and m == int(m) for m in numbers):
        raise CannotEvaluate("binomial")
    return exactly(float(math.comb(*map(int, numbers))))
