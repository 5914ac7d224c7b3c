"""What arithmetic comes to, beside what is printed as its result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....trace import Array
from ..grammar.syntax import Literal, Tree
from .evaluation import CannotEvaluate, as_printed, evaluate, half
from .intervals import Range, all_meet
from .known import FAR
from .sides import SLIP

MANY = 6  # digits of a result that no other operand gives by chance


def gives(tree: Tree, printed: Sequence[Literal], by: float = 0.5) -> bool:
    """Whether arithmetic comes to what is printed, as far as rounding lets it.

    Parameters
    ----------
    by
        Units in its last place by which a result may be off.
    """
    result = value_of(tree)
    if result is None or result.low.size != len(printed):
        return False
    return all(all_meet(f, _result(n, by)) for f, n in zip(result.flat(), printed, strict=True))


def _result(number: Literal, by: float) -> Range:
    """Return what a result may be; one of many digits may come from what was not yet rounded."""
    by = number.unit * (SLIP if number.significant >= MANY else by)
    return Range(np.asarray(number.value - by), np.asarray(number.value + by))


def nears(tree: Tree, other: Tree, printed: Sequence[Literal], nearer: float) -> bool:
    """Whether other arithmetic comes to about what is printed, as one on its own numbers does not.

    A result that was miscalculated in its last digits tells so much of its operands.
    """
    values = [value_of(one) for one in (tree, other)]
    if len(printed) != 1 or any(value is None or value.shape for value in values):
        return False
    off, left = (abs(float(v.middle) - printed[0].value) for v in values if v is not None)
    return left <= min(nearer * off, FAR * abs(printed[0].value))


def comes_to(tree: Tree, value: Range, printed: Sequence[Literal]) -> bool:
    """Whether arithmetic is a value, in the digits of what is printed as its result."""
    result = value_of(tree)
    if result is None or not result.low.size == value.low.size == len(printed):
        return False
    pairs = zip(result.flat(), value.flat(), printed, strict=True)
    return all(abs(float(r.middle - v.middle)) <= n.unit for r, v, n in pairs)


def value_of(tree: Tree) -> Range | None:
    try:
        return evaluate(tree, as_printed)
    except CannotEvaluate:
        return None


def value_of_rounded(tree: Tree) -> Range | None:
    """Return what arithmetic may be, each number of it rounded."""
    try:
        return evaluate(tree, half)
    except CannotEvaluate:
        return None


def all_agree(before: Sequence[Range], value: Range | None) -> bool:
    if value is None:
        return True
    return all(value.shape != other.shape or all_meet(value, other) for other in before)


def middle_of(tree: Tree) -> Array | None:
    result = value_of(tree)
    return None if result is None else result.middle
