"""What an audit says: findings with the numbers that they rest on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import numpy as np

from ....quick_classes import dataclass

if TYPE_CHECKING:
    from ...comparison import Comparison
    from .mending import Cure

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Cell = float | int | str
NUMBERS = re.compile(r"\d[\d,.]*(?:e[+-]?\d+)?")
Item = TypeVar("Item")
Answer = TypeVar("Answer")
Given = ParamSpec("Given")


@dataclass(frozen=True)
class Evidence:
    """The numbers that a finding rests on: a table, and facts by name for other programs."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    facts: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that an audit found.

    Attributes
    ----------
    title
        One sentence: what is so, with its numbers.
    mend
        In words, what a user would change; empty where nothing is to be changed, or where no
        change that is known takes the finding away.
    cures
        Changes that are tried on a replay: the first that takes the finding away is the mend.
    id
        Of the rule that found it.
    tried
        Whether the mend was.
    comparison
        The run beside the replay with the mend; None where none was tried.
    """

    severity: Severity
    title: str
    evidence: Evidence
    mend: str = ""
    cures: tuple[Cure, ...] = ()
    id: str = ""
    tried: bool = False
    comparison: Comparison | None = field(default=None, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """What is the same of it in each run: its rule and its title without the numbers."""
        return f"{self.id}: {NUMBERS.sub('#', self.title)}"


def finding(
    severity: Severity,
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[object]],
    mend: str = "",
    cures: Iterable[Cure] = (),
    facts: Mapping[str, Cell] | None = None,
) -> Finding:
    """Return a finding with its table, whose cells may be NumPy's numbers."""
    table = tuple(tuple(map(_cell, row)) for row in rows)
    evidence = Evidence(tuple(columns), table, facts or {})
    return Finding(severity, title, evidence, mend, tuple(cures))


error, warning, note = (partial(finding, severity) for severity in SEVERITIES)


def numbered(*columns: Iterable[object], most: int = 4) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table that begin with their number, the first ones alone."""
    for number, row in enumerate(islice(zip(*columns, strict=False), most)):
        yield (str(number), *row)


def _cell(value: Any) -> Cell:
    """Return what stands in a cell: words, a number as Python has it, or a shape."""
    if isinstance(value, tuple | list):
        return str(list(value))
    cell: Cell = value.item() if isinstance(value, np.generic) else value
    return cell


class NotApplied(Exception):
    """A rule cannot decide here; the message says why."""


def decided(items: Iterable[Item], look: Callable[[Item], Answer]) -> list[Answer]:
    """Return what can be said of some items, of those of which anything can.

    Raises
    ------
    NotApplied
        Where nothing can be said of any, with the reason of the first.
    """
    answers: list[Answer] = []
    reasons: list[NotApplied] = []
    for item in items:
        try:
            answers.append(look(item))
        except NotApplied as why:
            reasons.append(why)
    if reasons and not answers:
        raise reasons[0]
    return answers


def if_applied(
    measure: Callable[Given, Answer], *given: Given.args, **named: Given.kwargs
) -> Answer | None:
    """Return what a function measures; None where it does not apply."""
    try:
        return measure(*given, **named)
    except NotApplied:
        return None
