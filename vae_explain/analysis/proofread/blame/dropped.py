"""What has lost an entry or a row: then a formula's shapes do not fit, or its other results do.

A row is put back at each place of a value in turn. Where the formula then gives what is printed,
save the one result that comes of what is not known, the value has lost it; so has a result that
is all that a formula gives but one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from ....trace import Array
from ..arithmetic.demands import solved
from ..arithmetic.evaluation import CannotEvaluate, as_printed, evaluate, half
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.intervals import Range, all_meet
from ..arithmetic.known import FAR
from ..arithmetic.sides import ComparedSides
from ..grammar.cursor import literal
from ..grammar.syntax import (
    Literal,
    Row,
    Tree,
    flattened,
    inside,
    is_bare,
    is_numeric,
    literals,
    quantities,
    shown,
    with_part,
)
from ..statements.scope import Scope
from ..statements.sides import Side

MOST_ROWS = 64  # of a value, at each of which one is put back
TELLING = 4  # digits of the results that are right with it
MANY = 3  # numbers of a result of which one may be wrong besides


def blame_lost_row(
    pair: ComparedSides, left: Side, right: Side, scope: Scope
) -> DocumentFinding | None:
    """Return a list that has lost an entry or a row, where all else follows with it."""
    if pair.place is not None:
        return None
    both = is_numeric(pair.left) and is_numeric(pair.right)
    turned = [(pair._replace(left=pair.right, right=pair.left), right, left)] if both else []
    for sides, whole, part in ((pair, left, right), *turned):
        lost = lost_result(sides)
        if lost is not None:
            reason = f"{whole.text} gives one more than {part.text}"
            line = literals(lost)[0].line or part.line
            return DocumentFinding(line, shown(lost), "", reason, "B")
    if not is_bare(pair.right):
        return None
    for value, line, name, put_back in _lists_in(pair, scope):
        mended = with_lost_row(value, put_back, pair.right)
        if mended is not None:
            reason = f"{name} has lost a row: with it, {right.text} follows from {left.text}"
            expected = shown(mended[0]) if mended[1] else ""
            line = literals(value)[0].line or line
            if mended[1] and name in scope.values:
                known = scope.values[name]
                scope.values[name] = known._replace(tree=mended[0])
            return DocumentFinding(line, shown(value), expected, reason, "B")
    return None


def _lists_in(
    pair: ComparedSides, scope: Scope
) -> Iterator[tuple[Tree, int, str, Callable[[Tree], Range | None]]]:
    """Yield the lists in a formula: value, line and name, and what another one gives."""

    def found(left: Tree) -> Range | None:
        try:
            return evaluate(left, as_printed, pair.lookup)
        except CannotEvaluate:
            return None

    def supposing(key: str, other: Tree) -> Range | None:
        with scope.supposing(key, other):
            return found(pair.left)

    for name in dict.fromkeys(quantities(pair.left)):
        stated = scope.where(name)
        if stated is not None and isinstance(stated[2], Row):
            line, key, value, _ = stated
            yield value, line, key, partial(supposing, key)
    for part in inside(pair.left):
        if isinstance(part, Row) and is_bare(part):
            put_in = partial(with_part, pair.left, part)
            yield part, 0, shown(part), lambda other, put=put_in: found(put(other))  # type: ignore[misc]  # a default binds it


def with_lost_row(
    value: Tree, given: Callable[[Tree], Range | None], result: Tree
) -> tuple[Tree, bool] | None:
    """Return a value with the row that it has lost, if a formula's results say that it has.

    Parameters
    ----------
    given
        What the formula gives with another value.

    Returns
    -------
    The value, and whether what is put back is known.
    """
    printed = literals(result)
    for mended, place in _with_a_row(flattened(value)) if len(printed) > 1 else ():
        found = given(mended)
        if found is None or found.low.size != len(printed):
            continue
        right = [n for n, f in zip(printed, found.flat(), strict=True) if all_meet(half(n), f)]
        if len(right) >= len(printed) - 1 and _digits(right) >= TELLING:
            return mended, len(right) == len(printed)
        if place is not None:
            solution = solved(mended, place, lambda t: _middle(given(t)), evaluate(result, half))
            if solution is not None:
                return solution.value, True
    return None


def _middle(bounds: Range | None) -> Array | None:
    return None if bounds is None else bounds.middle


def lost_result(pair: ComparedSides) -> Tree | None:
    """Return what stands behind a gap in a result, if a formula gives one row more than it.

    A number of it may be wrong besides.
    """
    right = flattened(pair.right)
    if not isinstance(right, Row) or not is_numeric(right):
        return None
    try:
        found, printed = pair.found(as_printed).flat(), evaluate(right, half).flat()
    except CannotEvaluate:
        return None
    rows = right.entries
    width = len(printed) // len(rows)
    telling = isinstance(flattened(pair.left), Row) or _digits(literals(right)) >= TELLING
    if len(found) != len(printed) + width or not telling:
        return None
    for gap in range(0, len(found), width):
        rest = [*found[:gap], *found[gap + width :]]
        wrong = sum(not _are_near(n, f) for n, f in zip(printed, rest, strict=True))
        if wrong <= (len(printed) > MANY):
            return rows[min(gap // width, len(rows) - 1)]
    return None


def _with_a_row(value: Tree) -> Iterator[tuple[Row, int | None]]:
    """Yield a list with one entry more, and its place among the numbers if it is a number."""
    zero = literal("0.0")
    entries: Sequence[Tree] = value.entries if isinstance(value, Row) else (value,)
    if len(entries) > MOST_ROWS or not all(map(is_bare, entries)):
        return
    if all(isinstance(entry, Literal) for entry in entries):
        for i in range(len(entries) + 1):
            yield Row((*entries[:i], zero, *entries[i:])), i
        for rows in ((Row((zero,) * len(entries)), value), (value, Row((zero,) * len(entries)))):
            yield Row(rows), None  # a matrix of which one row is left
        return
    row = Row((zero,) * len(literals(entries[0])))
    for i in range(len(entries) + 1):
        yield Row((*entries[:i], row, *entries[i:])), None


def _are_near(one: Range, other: Range) -> bool:
    size = abs(float(other.middle))
    return all_meet(one, other) or abs(float(one.middle) - float(other.middle)) <= FAR * size


def _digits(numbers: Sequence[Literal]) -> int:
    return sum(number.significant for number in numbers)
