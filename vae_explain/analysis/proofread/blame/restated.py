"""What a document states twice: a list, and its elements one by one, or the same list again.

Another value may be another example's. So a restatement is blamed only where one small thing
makes it the value that stood before, and where that was computed or is borne out elsewhere: the
document states it again, or results follow from it, and none from what stands for it now. So is
a number that the arithmetic below it does not put in, but the value that stood before.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

from ....quick_classes import NamedTuple
from ..arithmetic.damages import has_moved_point
from ..arithmetic.evaluation import as_printed, half
from ..arithmetic.intervals import Range, all_meet
from ..arithmetic.known import Known
from ..arithmetic.sides import EquationMistake
from ..grammar.syntax import (
    Literal,
    Negative,
    Power,
    Product,
    Row,
    Tree,
    flattened,
    inside,
    key_of,
    literals,
)
from ..statements.scope import Scope
from .operands import is_damaged

Place = tuple[int, str, Tree, int | None]  # of a stated value: line, key, value and element
TELLING = 3  # digits of a number that is no author's own choice
NEXT = 2  # lines to the arithmetic that a number is stated for


class StatedAgain(NamedTuple):
    """A number that stands where the document has stated another, or the same.

    Attributes
    ----------
    certain
        Whether what stood before was computed.
    first
        Where that was stated, if in one place.
    digits
        How many digits the numbers have that are stated with it.
    """

    key: str
    line: int
    number: Literal
    before: float
    certain: bool
    first: Place | None
    digits: int


class Restated:
    """Gathers what is stated twice, while a document is read."""

    def __init__(self, scope: Scope, known: Known) -> None:
        self.scope, self.known = scope, known
        self.agreeing: set[str] = set()  # quantities with an element that is stated twice alike
        self.other: list[StatedAgain] = []
        self._ahead: list[StatedAgain] = []  # of the next arithmetic
        self._not_put_in: list[tuple[StatedAgain, EquationMistake]] = []

    def state(self, name: Tree, value: Tree, line: int) -> Range | None:
        """Hold a value against the one that stands for its quantity so far.

        What stood before is returned where it was computed, and the value is it damaged.
        """
        key = key_of(name)
        before = self.scope.lookup(name, as_printed)
        value = flattened(value)
        numbers = literals(value)
        listed = isinstance(value, Row)
        if key is None or before is None or before.low.size != len(numbers):
            return None
        if listed and len(numbers) < 2:
            return None
        whole = self.scope.whole_of(name) or key
        if not listed and not _same(numbers[0], before.flat()[0]):
            other = float(before.flat()[0].middle)
            again = StatedAgain(whole, line, numbers[0], other, False, self.scope.where(name), 0)
            self._ahead.append(again)
        if not listed and key in self.scope.values:
            return None  # a number has another value, as it may
        pairs = list(zip(numbers, before.flat(), strict=True))
        wrong = [(n, float(b.middle)) for n, b in pairs if not _same(n, b)]
        if not wrong:
            self.agreeing.add(whole)
        ours, theirs = sorted(n.value for n, _ in wrong), sorted(b for _, b in wrong)
        unit = max((n.unit for n, _ in wrong), default=0.0)
        exchanged = all(abs(a - b) <= unit for a, b in zip(ours, theirs, strict=True))
        if not (len(wrong) == 1 or exchanged):
            return None
        if listed and len(wrong) < len(numbers):
            self.agreeing.add(whole)
        known = len(self.other)
        first = self.scope.where(name)
        for number, other in wrong:
            if exchanged or is_damaged(number, other) or has_moved_point(number, other):
                shown = f"{abs(other):.{max(0, number.decimals)}f}"
                printed = number.text.lstrip("+-") if exchanged else shown
                computed = printed in self.known.unrounded
                certain = computed and number.significant >= TELLING
                digits = sum(n.significant for n in numbers if not n.whole)
                again = StatedAgain(whole, line, number, other, certain, first, digits)
                self.other.append(again)
        return before if any(again.certain for again in self.other[known:]) else None

    def put_in(self, written: Tree, line: int) -> None:
        """Hold the numbers that were stated just before a line of arithmetic against it."""
        there = set(_put_in(written))
        for again in self._ahead:
            number = again.number
            used = [n for n in literals(written) if abs(n.value) == abs(again.before)]
            tells = used and used[0].significant >= TELLING - 1 and not used[0].whole
            ahead = 0 <= line - again.line <= NEXT
            if ahead and tells and number.value not in there:
                mistake = EquationMistake.of(number, again.before)
                expected = f"{again.before:.{used[0].decimals}f}"
                self._not_put_in.append((again, mistake._replace(expected=expected)))
        self._ahead = []

    def mistakes(
        self, borne_out: Container[tuple[int, str]]
    ) -> Iterator[tuple[StatedAgain, EquationMistake]]:
        """Yield the restatements that are wrong.

        Parameters
        ----------
        borne_out
            The values that results follow from, by line and name.
        """
        for again in self.other:
            first = again.first is not None and again.first[:2] in borne_out
            likely = again.key in self.agreeing and again.number.significant >= TELLING - 1
            likely = likely or (first and again.digits > TELLING)
            # A whole number, as a size in pixels, is chosen anew elsewhere.
            likely = likely and not again.number.whole and (again.line, again.key) not in borne_out
            if again.certain or likely:
                yield again, EquationMistake.of(again.number, again.before)
        yield from self._not_put_in


def _put_in(written: Tree) -> Iterator[float]:
    """Yield the numbers that arithmetic may have been given: of `1 - 0.5²`, -0.5 too."""
    for part in inside(written):
        if isinstance(part, Literal):
            yield part.value
        elif isinstance(part, Negative | Power):
            inner = part.body if isinstance(part, Negative) else part.base
            first = inner.factors[0] if isinstance(inner, Product) else inner
            if isinstance(first, Literal):
                yield -first.value


def _same(number: Literal, before: Range) -> bool:
    """Whether a number is the one before, or has more or fewer digits of it."""
    return all_meet(half(number), before) or _near(number, float(before.middle))


def _near(number: Literal, other: float) -> bool:
    return abs(number.value - other) <= number.unit
