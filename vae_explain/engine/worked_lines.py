"""Worked lines: an expression, its value, and the comparison with what PyTorch computed.

Every line of arithmetic that any page prints is made here and nowhere else, so that none
escapes its check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cached_property, partial

from ..quick_classes import NamedTuple
from ..symbolic.error_bound import Precision, enclosure, may_be_nan
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
    references,
    terms_in,
)
from ..symbolic.measure import evaluate, measure
from ..symbolic.text import index_text
from ..trace import Array
from .formulas import Steps
from .run import Run

GIVEN = ("input", "parameter", "noise")


class Worked(NamedTuple):
    """One line of arithmetic, evaluated, and checked against PyTorch's number.

    `value` is what the expression evaluates to, `shown` the run's number, which is printed as
    the result; if they differ by more than rounding, `agrees` is false.
    `reference` is None for a line whose result is only part of one that is checked.
    `chosen_by` are the indices by which the numbers of the line were chosen.
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
    recorded: Callable[[], Expression] | None = None,
    own: str = "",
) -> Worked:
    """Evaluate a line and compare it with the number it should give.

    The difference is relative to the largest of what was added up, since a sum that
    cancels is only as exact as its terms. Whether it is rounding is decided by what this line
    may lose in PyTorch's precision.

    Parameters
    ----------
    shown
        The run's own number, which has the sign of a zero and the last digit as PyTorch has
        them.
    recorded
        Makes the same line as PyTorch computes it, over its own operands: by hand they may
        differ in their last digits, and a line that cancels enlarges that.
    own
        See `enclosure`.
    """
    value, magnitude = measure(expression)
    shown = value if shown is None else shown
    if reference is None:
        return Worked(label, expression, value, shown, None, 0.0, True)
    scale = max(magnitude, run.precision.smallest)
    from_shown, from_reference = (_relative(value, held, scale) for held in (shown, reference))
    precision, theirs = run.precision, recorded or (lambda: expression)
    agrees = from_shown <= precision.unit or comes_to(expression, shown, precision, own)
    if shown == reference:
        agrees = agrees or comes_to(theirs(), reference, precision, own)
    elif agrees and from_reference > precision.unit:
        made = theirs()
        agrees = comes_to(made, reference, precision, own) and _same_start(made, expression)
    difference = max(from_shown, from_reference)
    return Worked(label, expression, value, shown, reference, difference, agrees)


def gives(expression: Expression, number: float, precision: Precision, own: str = "") -> bool:
    """Whether a line gives a number as far as rounding goes, as `worked` judges it."""
    value, magnitude = measure(expression)
    near = _relative(value, number, max(magnitude, precision.smallest)) <= precision.unit
    return near or comes_to(expression, number, precision, own)


def comes_to(expression: Expression, number: float, precision: Precision, own: str = "") -> bool:
    """Whether a line may come to a number, computed in this precision."""
    if math.isnan(number):
        return math.isnan(evaluate(expression)) or may_be_nan(expression, precision, own)
    return enclosure(expression, precision, own).has(number)


def _same_start(one: Expression, other: Expression) -> bool:
    """Whether what was given to two runs, and not computed, is the same where a line uses it."""
    known = {ref: ref.value for ref in references(one) if ref.role in GIVEN}
    return all(known.get(ref, ref.value) == ref.value for ref in references(other))


def _relative(value: float, held: float, scale: float) -> float:
    if value == held or (math.isnan(value) and math.isnan(held)):
        return 0.0
    scale = max(abs(held), scale)
    return abs(value - held) / scale if scale and math.isfinite(scale) else math.inf


class LineMaker:
    """Makes the lines of one run, for values and for gradients."""

    def __init__(self, run: Run, steps: Steps) -> None:
        self.run, self.steps = run, steps

    def value_line(self, value_id: int, index: Index) -> Worked:
        """Return how one element of a value is made."""
        expression, chosen = self.steps.chosen(value_id, index)
        held = self.run.trace.values[value_id].array
        shown = self.run.values[value_id]
        recorded = partial(self._recorded.element, value_id, index)
        own = self.run.trace.values[value_id].name or ""
        line = self._line(value_id, index, expression, held, shown, recorded, own)
        return line._replace(chosen_by=chosen) if chosen else line

    def value_lines(self, value_id: int, chosen: Iterable[Index]) -> tuple[Worked, ...]:
        return tuple(self.value_line(value_id, index) for index in chosen)

    def gradient_line(self, value_id: int, index: Index, term: str | None = None) -> Worked:
        """Return how one element of a gradient is made."""
        expression = self.steps.gradient(value_id, index, term)
        trace = self.run.trace
        held = trace.gradients if term is None else trace.term_gradients[term]
        shown = self.run.gradients_of(term)
        recorded = partial(self._recorded.gradient, value_id, index, term)
        return self._line(value_id, index, expression, held[value_id], shown[value_id], recorded)

    def gradient_lines(
        self, value_id: int, chosen: Iterable[Index], term: str | None = None
    ) -> tuple[Worked, ...]:
        return tuple(self.gradient_line(value_id, index, term) for index in chosen)

    def aside(self, ref: Ref) -> Worked:
        """Return how a number is made that only a line mentions, as the mean of a norm.

        It is compared with the same number computed from PyTorch's values directly.
        """
        assert ref.made is not None, "only asked of such numbers"
        return worked(ref.name, ref.made(), float(ref.value), self.run, float(ref.value))

    @cached_property
    def _recorded(self) -> Steps:
        """The same steps as PyTorch computes them, over its own numbers."""
        return Steps(self.run.as_recorded, as_computed=True)

    def _line(
        self,
        value_id: int,
        index: Index,
        expression: Expression,
        held: Array,
        shown: Array,
        recorded: Callable[[], Expression],
        own: str = "",
    ) -> Worked:
        label, mine = self.steps.label(value_id, index), float(shown[index])
        return worked(label, expression, float(held[index]), self.run, mine, recorded, own)

    def summands(self, value_id: int) -> tuple[tuple[Worked, ...], Worked, int] | None:
        """Take a scalar apart into what it adds up, one line each, and their sum.

        A constant in front of the sum goes into each summand. None when the value is not
        a sum over elements.

        Returns
        -------
        tuple
            The lines; their sum; and of how many terms it is, since the small ones of a
            long sum share a line.
        """
        expression = self.steps.element(value_id, ())
        opened = _open_sum(expression)
        if opened is None:
            return None
        scale, terms = opened
        pairs = zip(_labels(terms), terms, strict=True)
        lines = tuple(worked(label, scale(term), None, self.run) for label, term in pairs)
        reference = float(self.run.trace.values[value_id].array)
        shown = float(self.run.values[value_id])
        recorded = partial(self._recorded.element, value_id, ())
        total = worked("", expression, reference, self.run, shown, recorded)
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
    """Label the terms of a sum by their index, or by their position where that is not unique.

    Where some are left out only the index is known.
    """
    indices = [[ref.index for ref in references(term) if ref.index] for term in terms]
    alone = all(len(set(own)) == 1 for own in indices)
    unique = alone and len({own[0] for own in indices}) == len(terms)
    if not unique and not any(isinstance(term, Rest) for term in terms):
        return [f"[{position}]" for position in range(len(terms))]
    return [
        term.name if isinstance(term, Rest) else index_text(own[0]) if own else ""
        for term, own in zip(terms, indices, strict=True)
    ]
