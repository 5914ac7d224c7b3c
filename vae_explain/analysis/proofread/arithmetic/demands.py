"""What a stated number would have to be, for what follows from it to come out right.

Each number of a value is solved for, from the result that does not follow from it: a result is
linear in most of them, and smooth in nearly all. Two numbers of it, or two rows, may also have
been exchanged, or a sign lost. What does not make the result right is no answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import accumulate, combinations, pairwise

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Row, Tree, flattened, literals, negated, replaced
from .damages import damages
from .intervals import Range

MOST_NUMBERS = 64  # of a value, each of which is solved for
MOST_EXCHANGED = 24  # of which each two are exchanged
STEPS = 20  # of the secant method, of which a line needs one, and a square about 12
STEP = 2.0**-12  # by which a number is moved, to see how a result moves with it
FINER = 3  # decimals that a number may have had more, as one that has lost its point
NEARLY = 3  # half units in the last place of a result, as what it came from was rounded too
NEAR = 0.05  # of a number, within which another one leads to the same result
TOGETHER = 2.0  # how much more two numbers explain that were exchanged than by chance

Given = Callable[[Tree], Array | None]  # what a result is with another value; None if nothing


class Demand(NamedTuple):
    """A value with one thing in it another, and what that is.

    Attributes
    ----------
    evidence
        How seldom another number of so few digits would give the result by chance, as a power
        of ten.
    """

    value: Tree
    old: Tree
    new: Tree
    evidence: float


def demands(value: Tree, given: Given, printed: Range) -> Iterator[Demand]:
    """Yield the values that lead to what is printed, and differ in one thing from one.

    Parameters
    ----------
    printed
        What the result should be, as far as it is printed.
    """
    count = len(literals(value))
    for place in range(count) if count <= MOST_NUMBERS else ():
        solution = solved(value, place, given, printed)
        if solution is not None:
            yield solution
        near = None if solution is None else solution.new
        yield from _undamaged(value, place, given, printed, near)
    for other in rearranged(value):
        off = _off(other.value, given, printed)
        if off is not None and np.all(np.abs(off) <= NEARLY * _half(printed)):
            yield other


def _undamaged(
    value: Tree, place: int, given: Given, printed: Range, near: Tree | None
) -> Iterator[Demand]:
    """Yield a value with one number as it was before it was damaged, near what it is solved for.

    No slope leads there from where a result has none, as `exp` far below 0.
    """
    old = literals(value)[place]
    for new in damages(old):
        if isinstance(near, Literal):
            off_by = abs(new.value - near.value)
            if not 0 < off_by <= max(new.unit, NEAR * abs(new.value)):
                continue
        other = replaced(value, place, new)
        off = _off(other, given, printed)
        if off is not None and np.all(np.abs(off) <= _half(printed)):
            yield Demand(other, old, new, TOGETHER if near is None else 0.0)


@np.errstate(all="ignore")  # an exact result has no width, and a guess may be infinite
def solved(
    value: Tree, place: int, given: Given, printed: Range, finer: int = FINER
) -> Demand | None:
    """Return a value with one number solved for, with as few decimals as lead to the result."""
    old, half = literals(value)[place], _half(printed)

    def off(number: Literal) -> Array | None:
        return _off(replaced(value, place, number), given, printed)

    at = old.value
    by = STEP * max(1.0, abs(at))
    here, there = off(old), off(literal(repr(at + by)))
    if here is None or there is None:
        return None
    slope = (there - here) / by
    telling = np.where((np.abs(here) > half) & (slope != 0), np.abs(slope) / half, 0.0)
    result = int(np.argmax(telling))
    for _ in range(STEPS):
        if here is None or not slope[result] or not np.isfinite(slope[result]):
            return None
        before, at = at, at - float(here[result] / slope[result])
        after = off(literal(repr(at)))
        if after is None:
            return None
        if abs(after[result]) <= half[result] / 8 or at == before:
            break
        slope, here = (after - here) / (at - before), after
    for decimals in range(max(0, old.decimals), max(0, old.decimals) + finer + 1):
        new = literal(f"{at:.{decimals}f}", old.line)
        left = off(new)
        if new.value != old.value and left is not None and np.all(np.abs(left) <= NEARLY * half):
            chance = abs(slope[result]) * new.unit / (2 * half[result])
            evidence = math.log10(chance) if chance else -math.inf
            return Demand(replaced(value, place, new), old, new, evidence)
    return None


@np.errstate(all="ignore")
def _off(tree: Tree, given: Given, printed: Range) -> Array | None:
    """Return how far a value leads from what is printed."""
    bounds = given(tree)
    if bounds is None or bounds.size != printed.low.size:
        return None
    return np.asarray(bounds.ravel() - printed.middle.ravel())


def _half(printed: Range) -> Array:
    return np.asarray((printed.high - printed.low).ravel() / 2)


def rearranged(value: Tree) -> Iterator[Demand]:
    """Yield a list with two of its numbers or rows exchanged, one of another sign, or turned."""
    value = flattened(value)
    numbers = literals(value)
    rows = [len(literals(entry)) for entry in value.entries] if isinstance(value, Row) else []
    if isinstance(value, Row):
        for turned in _turned(value):
            yield Demand(turned, value, turned, TOGETHER)
        entries = value.entries
        pairs = combinations(range(len(entries)), 2) if len(numbers) != len(entries) else ()
        for i, j in pairs:  # the rows of a matrix
            order = list(entries)
            order[i], order[j] = order[j], order[i]
            yield Demand(Row(tuple(order)), value, Row(tuple(order)), TOGETHER)
    few = len(numbers) <= MOST_EXCHANGED
    # Of many, those of one row.
    bounds = (0, len(numbers)) if few else accumulate(rows, initial=0)
    for start, end in pairwise(bounds):
        pairs = combinations(range(start, end), 2) if end - start <= MOST_EXCHANGED else ()
        for i, j in pairs:
            if numbers[i] != numbers[j]:
                exchanged = replaced(replaced(value, i, numbers[j]), j, numbers[i])
                yield Demand(exchanged, value, exchanged, TOGETHER)
    if not few:
        return
    for i, number in enumerate(numbers):
        if number.value:
            yield Demand(replaced(value, i, negated(number)), number, negated(number), 0.0)


def _turned(value: Row) -> Iterator[Row]:
    """Yield a list in the opposite order, and a square matrix transposed."""
    rows = [entry.entries for entry in value.entries if isinstance(entry, Row)]
    if len(rows) == len(value.entries) and all(len(row) == len(rows) for row in rows):
        yield Row(tuple(Row(column) for column in zip(*rows, strict=True)))
    elif len(value.entries) > 2:
        yield Row(value.entries[::-1])
