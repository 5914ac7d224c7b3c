"""What one family of findings fills in: its id, what it looks for and how it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Literal

from .anatomy import Anatomy
from .finding import Finding, Seen, decided
from .posterior import Site

How = Literal[
    "the recorded graph", "gradients split by term", "experiments on the replay", "both modes run"
]


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


def at_each_site(
    anatomy: Anatomy, look: Callable[[Anatomy, Site], Iterable[Finding]], words: str
) -> Seen:
    """Let a rule look at each place where latents are sampled.

    Parameters
    ----------
    look
        Returns its findings at one site, or raises `NotApplied`.
    words
        What the rule looked at, in a sentence.

    Raises
    ------
    NotApplied
        Where there is no such place, or the rule can decide at none of them.
    """
    return Seen(words, tuple(chain(*decided(anatomy.sites(), partial(look, anatomy)))))
