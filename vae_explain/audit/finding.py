"""What an audit says: findings with their evidence, and what was looked at and in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .anatomy import Anatomy

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
How = Literal["the recorded graph", "gradients split by term", "experiments on the replay"]
Cell = float | int | str


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
    message
        One sentence: what is so, with its numbers.
    mend
        In words, what a user would change; empty where nothing is to be changed.
    """

    id: str
    severity: Severity
    message: str
    evidence: Evidence
    mend: str = ""


@dataclass(frozen=True)
class Seen:
    """What a rule saw: its findings, and in a sentence what it looked at."""

    words: str
    findings: tuple[Finding, ...] = ()


class NotApplied(Exception):
    """A rule cannot decide here; the message says why."""


@dataclass(frozen=True)
class AuditRule:
    """One family of findings.

    Attributes
    ----------
    id
        As `--only` and `--ignore` take it.
    looks_for
        What it finds, in a few words.
    how
        What it knows it from.
    look
        Returns what it saw, or raises `NotApplied`.
    """

    id: str
    looks_for: str
    how: How
    look: Callable[[Anatomy], Seen]
