"""When a printed figure and a number agree: at every digit that is printed, and no further."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np

from ....symbolic.decimals import fixed_text
from ..matching.figures import PrintedFigure

TIES = 4  # units in the last place of a float64 that may decide how a tie was rounded
LAST_PLACES = 4  # another processor's matrix product may round a number of 16 digits otherwise
FEW_DIGITS = 3  # of a number so small that it is written with an exponent
NEARLY = 0.6  # of their last place: they come from a line of numbers with as few
SLIP = 1.5  # units in the last printed place: truncated, or rounded the wrong way


def agrees(figure: PrintedFigure, computed: float, off: float = 0.0) -> bool:
    """Whether a number, rounded as the figure is, gives the figure.

    Parameters
    ----------
    off
        How far the number may be off, as another processor rounds otherwise on the way to it.
    """
    if not math.isfinite(computed):
        return False
    allowed = max(_half(figure, computed) + off, figure.printed.tolerance)
    if _apart(figure, computed) <= allowed:
        return True
    decimals = max(figure.decimals, 0)  # of a tie, which goes to the even digit
    return decimals < 15 and figure.printed.text == fixed_text(computed, decimals)


def is_single(figure: PrintedFigure, computed: float) -> bool:
    """Whether a figure is a number as PyTorch prints a float32.

    That is by the fewest digits that tell it from its neighbours, which need not be those
    of a float64 rounded.
    """
    with np.errstate(over="ignore"):
        return figure.printed.text == str(np.float32(computed))


def slipped(figure: PrintedFigure, computed: float) -> bool:
    """Whether a figure that does not agree is off in its last digit only."""
    if not math.isfinite(computed):
        return False
    apart = _apart(figure, computed)
    return apart <= max(SLIP * figure.unit, LAST_PLACES * math.ulp(computed))


def digits_apart(figure: PrintedFigure, computed: float) -> int:
    """Return in how many signs a figure differs from a number written as it is."""
    printed, written = figure.printed.text, as_written(figure, computed)
    if len(printed) != len(written):
        return max(len(printed), len(written))
    return sum(a != b for a, b in zip(printed, written, strict=True))


def as_written(figure: PrintedFigure, computed: float) -> str:
    """Write a number with the decimals of a figure."""
    printed = figure.printed.text.lower()
    if "e" in printed:
        mantissa = printed.partition("e")[0].partition(".")[2]
        return f"{computed:.{len(mantissa)}e}"
    decimals = max(figure.decimals, 0)
    if decimals >= 15 and len(repr(computed)) <= len(printed) + 1:
        return repr(computed)  # printed whole
    return f"{computed:.{decimals}f}"


def _apart(figure: PrintedFigure, computed: float) -> float:
    if figure.unit > 1000 * math.ulp(computed):
        return abs(figure.printed.value - computed)
    # So many digits that two of them read as one float64: by the digits themselves.
    shortest = abs(Decimal(figure.printed.text) - Decimal(repr(computed)))
    exact = abs(Decimal(figure.printed.text) - Decimal(computed))
    return float(min(shortest, exact))


def _half(figure: PrintedFigure, computed: float) -> float:
    if "e" in figure.printed.text and figure.printed.significant <= FEW_DIGITS:
        return NEARLY * figure.unit
    slack = TIES * math.ulp(computed)
    return figure.unit / 2 + (slack if figure.unit > 1000 * slack else 0.0)
