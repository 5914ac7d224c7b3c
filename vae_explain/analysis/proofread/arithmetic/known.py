"""What a document has shown of the numbers that it prints, beyond their digits."""

from __future__ import annotations

import math

import numpy as np

from ..grammar.syntax import Literal
from .evaluation import KNOWN_BY, Leaf, half
from .intervals import Range, exactly, hull

EXACT_BY = 2  # a result with so many digits more than an operand takes that operand as exact
SHOWN = 3  # digits of what a number should be, at least
FAR = 1e-3  # of a number: a slip in late digits, and no other number
COMPUTED_BY = 7  # digits of a number that nobody chooses, so that it was rounded before
NEXT = 1e-6  # of a unit, by which what is cut lies before the next number
ULPS = 4 * float(np.finfo(float).eps)
WITHIN = 0.999  # of half a unit, so that the next number of as many digits is another


class Known:
    """What a document has shown of the numbers that it prints.

    Attributes
    ----------
    unrounded
        For a number's digits, what they were rounded from.
    stated
        The digits of numbers that it gives and does not compute.
    rounded
        Whether it says that it rounds what it prints, and goes on with more digits.
    """

    def __init__(self, rounded: bool = False) -> None:
        self.rounded = rounded
        self.unrounded: dict[str, Range] = {}
        self.stated: set[str] = set()

    def computed(self, number: Literal, bounds: Range) -> None:
        """Remember what a printed number was rounded from; one that is far off, from nothing."""
        if abs(float(bounds.middle) - number.value) > max(FAR * abs(number.value), number.unit / 2):
            return
        digits, bounds = number.text.lstrip("+-"), _positive(bounds)
        before = self.unrounded.get(digits)
        self.unrounded[digits] = bounds if before is None else hull([before, bounds])
        rest = _complement(number)
        if rest is not None:
            self.unrounded.setdefault(rest, Range(1 - bounds.high, 1 - bounds.low))

    def as_known(self, number: Literal) -> Range:
        """Return what a number may be by what is known of it."""
        bounds = self.unrounded.get(number.text.lstrip("+-"))
        if bounds is None or number.whole:
            return half(number) if number.tolerance else exactly(number.value)
        far = np.max(np.abs(_range_sign(number, bounds).middle - number.value)) > number.unit
        if far and number.significant < KNOWN_BY:
            return exactly(number.value)
        return hull([exactly(number.value), _range_sign(number, bounds)])

    def as_put_in(self, number: Literal) -> Range:
        """Return what a stated number may be where it is put in, perhaps with more digits."""
        chosen = number.whole or number.significant < KNOWN_BY
        if chosen or number.text.lstrip("+-") in self.unrounded:
            return self.as_known(number)
        by = number.unit / 2 * WITHIN
        return Range(np.asarray(number.value - by), np.asarray(number.value + by))

    def is_exact(self, number: Literal, result: Literal) -> bool:
        """Whether a number is what its digits say, beside a result that follows from it."""
        if number.tolerance:
            return False
        digits = number.text.lstrip("+-")
        chosen = number.significant < KNOWN_BY  # as an author writes a number of their own
        stated = digits in self.stated and number.significant < COMPUTED_BY
        if number.whole or chosen or stated or digits in self.unrounded:
            return True
        return result.significant - number.significant >= EXACT_BY

    def as_rounded_before(self, result: Literal) -> Leaf:
        """Return a reading of numbers: what a result follows from may have been rounded for it."""

        def leaf(operand: Literal) -> Range:
            return self.as_known(operand) if self.is_exact(operand, result) else half(operand)

        return leaf


def rounded_for(number: Literal) -> Leaf:
    """Return a reading of numbers: those with fewer decimals than one are rounded."""

    def leaf(other: Literal) -> Range:
        return half(other) if other.decimals < number.decimals else exactly(other.value)

    return leaf


def _positive(bounds: Range) -> Range:
    return Range(-bounds.high, -bounds.low) if bounds.high <= 0 else bounds


def _range_sign(number: Literal, bounds: Range) -> Range:
    return Range(-bounds.high, -bounds.low) if number.text.startswith("-") else bounds


def _complement(number: Literal) -> str | None:
    """Return the digits of 1 less a share, as it stands beside it in a cross-entropy."""
    if not 0 < number.value < 1 or "e" in number.text.lower() or number.text.endswith("%"):
        return None
    return f"{1 - number.value:.{number.decimals}f}"


def cut_or_rounded(number: Literal) -> Range:
    """Return all that an operand may stand for: a calculator's display may be cut."""
    size, unit = abs(number.value), number.unit
    # What is cut is less than the next number, and by more than arithmetic rounds.
    bounds = Range(*np.asarray((size - unit / 2, size + unit - max(NEXT * unit, ULPS * size))))
    return Range(-bounds.high, -bounds.low) if number.text.startswith("-") else bounds


def as_text(value: float, number: Literal) -> str:
    """Write a number as another is printed, with more digits where it would read the same."""
    if number.text.endswith("%"):
        return f"{100 * value:.{max(0, number.decimals - 2)}f}%"
    if "e" in number.text.lower() or (value and abs(value) < number.unit / 2):
        return f"{value:.{max(1, number.significant)}g}"
    if number.whole:
        return f"{value:.7g}"
    # A number of so few digits says too little of another.
    least = max(0, SHOWN - 1 - math.floor(math.log10(abs(value)))) if value else 0
    for more in range(max(0, least - max(0, number.decimals)), 8):
        text = f"{value:.{max(0, number.decimals) + more}f}"
        if float(text) != number.value:
            return text
    return repr(value)
