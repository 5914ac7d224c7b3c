"""Worked lines: an expression, its value, and the comparison with what PyTorch computed.

Every line of arithmetic that any page prints is made here and nowhere else, so that none
escapes its check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..symbolic.expression import (
    Add,
    Div,
    Expression,
    Index,
    Mul,
    Neg,
    Number,
    Ref,
    Rest,
    children,
    measure,
    references,
    terms_in,
)
from ..symbolic.text import index_text
from ..trace import Array
from .formulas import Steps
from .run import Run

# How many roundings a line may be off by, beyond one for each of its parts.
SLACK = 16
# In float64 by hand, a line has other inputs than PyTorch's, by their last digits. Where
# terms all but cancel those digits count for more; this much may have come in that way.
INHERITED = 1e-9


class Worked(NamedTuple):
    """One line of arithmetic, evaluated: what it gives and what PyTorch has.

    `value` is what the expression evaluates to, `shown` the number of the run that stands
    behind the equals sign; they agree to rounding, else `agrees` is false.
    `reference` is None for a line whose result is only part of one that is checked.
    `chosen_by` are the numbers that say which of many stands in the line, such as an index.
    """

    label: str
    expression: Expression
    value: float
    shown: float
    reference: float | None
    difference: float
    agrees: bool
    chosen_by: tuple[Ref, ...] = ()


def worked(
    label: str,
    expression: Expression,
    reference: float | None,
    run: Run,
    shown: float | None = None,
) -> Worked:
    """Evaluate a line and hold it against the number it should give.

    The difference is relative to the largest of what was added up, since a sum that
    cancels is only as exact as its terms. `shown` is the run's own number, which carries
    the sign of a zero and the last digit as PyTorch has them.
    """
    value, magnitude = measure(expression)
    shown = value if shown is None else shown
    if reference is None:
        return Worked(label, expression, value, shown, None, 0.0, True)
    scale = max(magnitude, run.smallest_normal)
    from_shown, from_reference = (_relative(value, held, scale) for held in (shown, reference))
    difference = max(from_shown, from_reference)
    agrees = difference <= run.precision * SLACK
    if not agrees:  # only then are the parts counted, which takes longer than all else here
        allowed = run.precision * (SLACK + _size(expression))
        inherited = INHERITED if run.arithmetic == "printed" else 0.0
        agrees = from_shown <= allowed and from_reference <= max(allowed, inherited)
    return Worked(label, expression, value, shown, reference, difference, agrees)


def agreement(
    value: float, held: float, magnitude: float, parts: int, precision: float
) -> tuple[float, bool]:
    """Return the relative difference of two numbers, and whether rounding explains it."""
    difference = _relative(value, held, magnitude)
    return difference, difference <= precision * (SLACK + parts)


def _relative(value: float, held: float, scale: float) -> float:
    if value == held or (math.isnan(value) and math.isnan(held)):
        return 0.0
    scale = max(abs(held), scale)
    return abs(value - held) / scale if math.isfinite(scale) else math.inf


def _size(expression: Expression) -> int:
    parts = children(expression)
    return 1 + sum(map(_size, parts))


class LineMaker:
    """Makes the lines of one run, for values and for gradients."""

    def __init__(self, run: Run, steps: Steps) -> None:
        self.run, self.steps = run, steps

    def value_line(self, number: int, index: Index) -> Worked:
        """Return how one element of a value is made."""
        expression, chosen = self.steps.chosen(number, index)
        held = self.run.trace.values[number].array
        line = self._line(number, index, expression, held, self.run.values[number])
        return line._replace(chosen_by=chosen) if chosen else line

    def value_lines(self, number: int, chosen: Iterable[Index]) -> tuple[Worked, ...]:
        return tuple(self.value_line(number, index) for index in chosen)

    def gradient_line(self, number: int, index: Index, term: str | None = None) -> Worked:
        """Return how one element of a gradient is made."""
        expression = self.steps.gradient(number, index, term)
        trace = self.run.trace
        held = trace.gradients if term is None else trace.term_gradients[term]
        shown = self.run.gradients_of(term)
        return self._line(number, index, expression, held[number], shown[number])

    def gradient_lines(
        self, number: int, chosen: Iterable[Index], term: str | None = None
    ) -> tuple[Worked, ...]:
        return tuple(self.gradient_line(number, index, term) for index in chosen)

    def aside(self, ref: Ref) -> Worked:
        """Return how a number is made that only a line speaks of, as the mean of a norm.

        It is held against the same number taken from PyTorch's values at once.
        """
        assert ref.made is not None, "only asked of such numbers"
        return worked(ref.name, ref.made(), float(ref.value), self.run, float(ref.value))

    def _line(
        self, number: int, index: Index, expression: Expression, held: Array, shown: Array
    ) -> Worked:
        label = self.steps.label(number, index)
        return worked(label, expression, float(held[index]), self.run, float(shown[index]))

    def summands(self, number: int) -> tuple[tuple[Worked, ...], Worked, int] | None:
        """Take a scalar apart into what it adds up, one line each, and their sum.

        A constant in front of the sum goes into each summand. None when the value is not
        a sum over elements.

        Returns
        -------
        tuple
            The lines; their sum; and of how many terms it is, since the small ones of a
            long sum share a line.
        """
        expression = self.steps.element(number, ())
        found = _open_sum(expression)
        if found is None:
            return None
        scale, terms = found
        labels = _labels(terms)
        pairs = zip(labels, terms, strict=True)
        lines = tuple(worked(label, scale(term), None, self.run) for label, term in pairs)
        reference = float(self.run.trace.values[number].array)
        shown = float(self.run.values[number])
        total = worked("", expression, reference, self.run, shown)
        return lines, total, sum(map(terms_in, terms))


Scale = Callable[[Expression], Expression]


def _open_sum(expression: Expression) -> tuple[Scale, tuple[Expression, ...]] | None:
    match expression:
        case Add(terms):
            return (lambda term: term), terms
        case Neg(body):
            return _scaled_sum(body, lambda term: -term)
        case Div(body, Number() as count):
            return _scaled_sum(body, lambda term: term / count)
        case Mul((Number() as factor, body)):
            return _scaled_sum(body, lambda term: factor * term)
        case _:
            return None


def _scaled_sum(body: Expression, outer: Scale) -> tuple[Scale, tuple[Expression, ...]] | None:
    inner = _open_sum(body)
    if inner is None:
        return None
    scale, terms = inner
    return (lambda term: outer(scale(term))), terms


def _labels(terms: tuple[Expression, ...]) -> list[str]:
    """Name the terms of a sum by their index, or by their place where they have none of their own.

    Where some are left out there is no place to name them by.
    """
    some_left_out = any(isinstance(term, Rest) for term in terms)
    own = [{ref.index for ref in references(term) if ref.index} for term in terms]
    alone = all(len(found) == 1 for found in own)
    if some_left_out or (alone and len(set(map(frozenset, own))) == len(own)):
        return [_label(term) for term in terms]
    return [f"[{position}]" for position in range(len(terms))]


def _label(term: Expression) -> str:
    if isinstance(term, Rest):
        return term.name
    found = (ref for ref in references(term) if ref.index)
    first = next(found, None)
    return index_text(first.index) if first is not None and first.index else ""
