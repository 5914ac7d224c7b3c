"""What an audit says: findings with their evidence, and what was looked at and in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from ..comparison import Comparison
    from .mending import Cure

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
Cell = float | int | str
NUMBERS = re.compile(r"\d[\d,.]*(?:e[+-]?\d+)?")
Item = TypeVar("Item")
Answer = TypeVar("Answer")


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
    id
        Of the rule that found it.
    title
        One sentence: what is so, with its numbers.
    mend
        In words, what a user would change; empty where nothing is to be changed, or where no
        change that is known takes the finding away.
    cures
        Changes that are tried on a replay: the first that takes the finding away is the mend.
    tried
        Whether the mend was.
    comparison
        The run beside the replay with the mend; None where none was tried.
    """

    id: str
    severity: Severity
    title: str
    evidence: Evidence
    mend: str = ""
    cures: tuple[Cure, ...] = ()
    tried: bool = False
    comparison: Comparison | None = field(default=None, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """What is the same of it in each run: its rule and its title without the numbers."""
        return f"{self.id}: {NUMBERS.sub('#', self.title)}"


@dataclass(frozen=True)
class Seen:
    """What a rule saw: its findings, and in a sentence what it looked at."""

    words: str
    findings: tuple[Finding, ...] = ()


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
