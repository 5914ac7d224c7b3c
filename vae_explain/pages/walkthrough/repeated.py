"""What a large model has again and again: the same layer in the next block, the next time step.

One of each kind is worked out in a document, and the others are named beside it. Two steps are
of one kind where their names and their formulas are the same but for the numbers in them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from ...engine.formulas import Steps
from ...engine.run import Run
from ...engine.value_formulas import if_explained
from ...symbolic.text import to_text
from ..blocks import Note
from .not_finite import stops_at
from .page import is_large

_NUMBER = re.compile(r"\d+")
MOST_NAMED = 4
MOST_ON_A_PAGE = 400  # values that a page shows each, where a document has one of each kind


def pattern(text: str) -> str:
    """Return a text without the numbers in it."""
    return _NUMBER.sub("#", text)


def repeated(run: Run, among: Container[int] | None = None) -> Mapping[int, int]:
    """Return the values of a large run that are as another, each with the first of its kind.

    The first that is not finite stands by itself.

    Parameters
    ----------
    among
        The values that a page is about; all of the run's by default.
    """
    if not is_large(run):
        return {}
    stopped = stops_at(run)
    steps, first, like = Steps(run), dict[object, int](), dict[int, int]()
    for value in run.trace.values:
        made = value.kind == "intermediate" and value.id in run.trace.producer
        if value.name is None or not (made or value.kind == "parameter"):
            continue
        if value.id == stopped or (among is not None and value.id not in among):
            continue
        formula = if_explained(partial(steps.formula, value.id)) if made else None
        if made and formula is None:  # each says why it has none
            continue
        words = "" if formula is None else pattern(to_text(formula))
        kind = pattern(value.name), words, value.kind, len(value.shape)
        if first.setdefault(kind, value.id) != value.id:
            like[value.id] = first[kind]
    return like


def left_out(run: Run, among: Container[int] | None = None) -> Mapping[int, int]:
    """Return what a page on the whole run leaves out as `repeated`: nothing up to many values."""
    named = sum(1 for _ in Steps(run).named())
    return repeated(run, among) if named > MOST_ON_A_PAGE else {}


def same_as(
    run: Run, like: Mapping[int, int], shown: int, words: str = "In the same way"
) -> list[Note]:
    """Say which others are as the one that is shown; nothing where there are none."""
    others = [run.trace.values[other].label for other, first in like.items() if first == shown]
    return [Note(f"{words}: {listed(others)}.")] if others else []


def ask_for_others(run: Run, like: Mapping[int, int], command: str) -> list[Note]:
    """Say how to see any value that is left out as one of many; nothing where none is."""
    if not like:
        return []
    example = run.trace.values[max(like)].label
    return [
        Note(
            "Of what comes again and again one of each kind is worked out. Any other can be asked "
            f'for, with the same options: vae-explain {command} "{example}"'
        )
    ]


def listed(names: Sequence[str]) -> str:
    """Write some names of one pattern: `down.1 to down.4` where they are numbered in a row."""
    if len(names) > 2 and _in_a_row(names):
        return f"{names[0]} to {names[-1]}"
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _in_a_row(names: Sequence[str]) -> bool:
    """Whether one number in the names goes up by one, and all else stays."""
    if len(set(map(pattern, names))) > 1:
        return False
    numbers = [list(map(int, _NUMBER.findall(name))) for name in names]
    steps = {tuple(np.subtract(after, before)) for before, after in pairwise(numbers)}
    return len(steps) == 1 and sorted(*steps)[-1] == 1 and sum(map(abs, *steps)) == 1
