"""What one family of findings fills in: its id, what it looks for and how it knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .anatomy import Anatomy
from .finding import Seen

How = Literal["the recorded graph", "gradients split by term", "experiments on the replay"]


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
