"""What may happen to a number on its way into print."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from ..grammar.cursor import literal
from ..grammar.syntax import Literal, negated

EXACTLY = 1e-9  # of a power of ten


def damages(number: Literal) -> Iterator[Literal]:
    """Yield what a number may have been before one small thing happened to it.

    Examples
    --------
    >>> [other.text for other in damages(literal("-0.35"))]
    ['0.35', '-3.05', '-0.53', '-0.035', '-3.5']
    >>> [other.text for other in damages(literal("12"))]
    ['-12', '21', '0.0012', '0.012', '0.12', '1.2']
    >>> [other.text for other in damages(literal("1,011.5"))][-2:]
    ['101.15', '10115']
    """
    if number.value:
        yield negated(number)
    sign = "-" if number.text.startswith("-") else ""
    text = number.text.lstrip("+-")
    if text.endswith("%"):
        yield literal(sign + text[:-1], number.line)
        return
    places = [i for i, digit in enumerate(text) if digit.isdecimal()]
    for i, j in pairwise(places):
        if text[i] != text[j]:
            exchanged = text[:i] + text[j] + text[i + 1 : j] + text[i] + text[j + 1 :]
            if not (exchanged[0] == "0" and exchanged[1:2].isdecimal()):  # `04`, which none writes
                yield literal(sign + exchanged, number.line)
    if text.isdecimal():
        lost = ("0.00", "0.0", "0.")  # with its zeros
        for other in (*(f"{zeros}{text}" for zeros in lost), *_with_point(text)):
            yield literal(f"{sign}{other}", number.line)
    elif number.value and "e" not in text.lower():
        for by in (-1, 1):  # of another unit
            moved = Decimal(text.replace(",", "")).scaleb(by)
            yield literal(f"{sign}{moved:f}", number.line)


def explains(number: Literal, meant: float, digit: bool = True) -> bool:
    """Whether one small thing makes the number that is meant the one that is printed.

    Parameters
    ----------
    digit
        Whether one other digit is such a thing, which of few digits is no sign of it.
    """
    if any(abs(other.value - meant) <= other.unit / 2 for other in damages(number)):
        return True
    return digit and one_digit_apart(number.text, f"{meant:.{max(0, number.decimals)}f}")


def one_digit_apart(text: str, other: str) -> bool:
    """Whether two numbers differ in one digit as they are written, of whichever sign."""
    ours, theirs = text.lstrip("+-"), other.lstrip("+-")
    differing = sum(a != b for a, b in zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and differing == 1


def has_moved_point(number: Literal, other: float) -> bool:
    """Whether two numbers have the same digits and sign, and the point at another place."""
    if number.value * other <= 0:
        return False
    moved = math.log10(other / number.value)
    return abs(moved - round(moved)) < EXACTLY and round(moved) != 0


def _with_point(digits: str) -> Iterator[str]:
    return (f"{digits[:i]}.{digits[i:]}" for i in range(1, len(digits)))
