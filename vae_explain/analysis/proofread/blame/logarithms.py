"""Logarithms to another base than those of arithmetic that is built alike.

`log` may be to any base. Where a document has `1·log(0.9) = -0.1054`, `1·log(0.7) = -0.3567` and
`1·log(0.8) = -0.0969`, the last is to the base of a calculator's key, and no author meant it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.results import value_of
from ..arithmetic.sides import ComparedSides, EquationMistake
from ..grammar.syntax import FunctionCall, Literal, Tree, inside, mapped, shown
from ..grammar.variants import ONE

BASES = ("log", "log10", "log2")
FEWEST = 2  # natural logarithms that say which base is meant
TELLING = 3  # digits of a result that is to a base by no chance
SAYS_BASE = re.compile(
    r"\b(?:bits?|dB|decibels?|base|binary|shannons?)\b|log_?\{?(?:2|10)\b|\bl[bg]\b", re.IGNORECASE
)


class ReadLogarithm(NamedTuple):
    """A result that a logarithm gives, and the function by which it does: `log`, `log10`, `log2`.

    Attributes
    ----------
    arithmetic
        What it is made of, its logarithms with no base.
    """

    arithmetic: Tree
    number: Literal
    function: str
    line: int


def read_logarithm(pair: ComparedSides, reading: Tree | None, line: int) -> Iterator[ReadLogarithm]:
    """Yield what a logarithm gives, if two sides that agree have one.

    Parameters
    ----------
    reading
        The left side as it agrees.
    """
    calls = (p for p in inside(reading) if isinstance(p, FunctionCall)) if reading else ()
    function = next((call.function for call in calls if call.function in BASES), None)
    if function is not None and isinstance(pair.right, Literal) and not pair.natural:
        yield ReadLogarithm(pair.left, pair.right, function, pair.right.line or line)


def wrong_logarithms(
    read: Iterable[ReadLogarithm], texts: Iterable[str]
) -> Iterator[DocumentFinding]:
    """Yield the results to another base than most of those of arithmetic built alike."""
    if any(map(SAYS_BASE.search, texts)):
        return
    built: dict[Tree, list[ReadLogarithm]] = {}
    for one in read:
        if one.number.significant >= TELLING:
            built.setdefault(_built(one.arithmetic), []).append(one)
    for alike in built.values():
        natural = {one.arithmetic for one in alike if one.function == "log"}
        others = [one for one in alike if one.function != "log"]
        if len(natural) >= FEWEST and len(others) < len(natural):
            yield from _as_natural(others)


def _as_natural(read: Sequence[ReadLogarithm]) -> Iterator[DocumentFinding]:
    for one in read:
        value = value_of(one.arithmetic)
        if value is None:
            continue
        mistake = EquationMistake.of(one.number, float(value.middle))
        printed, expected = mistake.printed, mistake.expected
        reason = (
            f"{shown(one.arithmetic)} gives {expected} by the natural logarithm, as elsewhere, "
            f"but {printed} is printed, by {one.function}"
        )
        yield DocumentFinding(one.line, printed, expected, reason, "A")


def _built(tree: Tree) -> Tree:
    """Return how arithmetic is built, whatever its numbers are."""
    return mapped(tree, lambda part: ONE if isinstance(part, Literal) else part)
