"""What one family of findings fills in: its id, what it looks for and how it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Literal, TypeVar

from ....quick_classes import NamedTuple
from ..evidence.anatomy import Anatomy
from ..evidence.finding import Finding, decided
from ..evidence.posterior import Site

How = Literal[
    "the recorded graph", "gradients split by term", "experiments on the replay", "both modes run"
]
Item = TypeVar("Item")
Told = Finding | str
Look = Callable[[Anatomy], Iterable[Told]]


class AuditRule(NamedTuple):
    """One family of findings.

    Attributes
    ----------
    id
        As `--only` and `--ignore` take it. The file of the rule has this name.
    looks_for
        What it finds, in a few words.
    how
        What it knows it from.
    in_order
        What was looked at, as a sentence, where nothing was found.
    look
        Yields findings, and such sentences where there is more than one; raises `NotApplied`
        where it cannot decide.
    """

    id: str
    looks_for: str
    how: How
    in_order: str
    look: Look

    def seen(self, anatomy: Anatomy) -> tuple[tuple[Finding, ...], str]:
        """Return the findings on a run, and what was looked at."""
        results = tuple(self.look(anatomy))
        findings = tuple(replace(each, id=self.id) for each in results if isinstance(each, Finding))
        words = dict.fromkeys(each for each in results if isinstance(each, str))
        return findings, "; ".join(words) or self.in_order


def at_each(
    items: Callable[[Anatomy], Iterable[Item]], look: Callable[[Anatomy, Item], Iterable[Told]]
) -> Look:
    """Return what looks at each of some items of a run.

    It raises `NotApplied` where `look` does at all of them, or where there are none to look at
    and `items` raises it.
    """

    def look_at_all(anatomy: Anatomy) -> Iterable[Told]:
        return chain(*decided(items(anatomy), lambda item: tuple(look(anatomy, item))))

    return look_at_all


def at_each_site(look: Callable[[Anatomy, Site], Iterable[Told]]) -> Look:
    """Return what looks at each place where latents are sampled."""
    return at_each(Anatomy.sites, look)
