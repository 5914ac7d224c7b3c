"""Chooses the blanks of a sheet: numbers of a run that follow from what is shown with them.

Every number of the run that has an expression tree may be asked for. What its tree names is
either a blank as well or stands on the sheet, so that each can be answered from the page alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from .candidates import Candidate, Candidates
from .key import Topic

Difficulty = Literal["easy", "medium", "hard"]
DIFFICULTIES: dict[Difficulty, str] = {
    "easy": "each blank by itself, of short sums",
    "medium": "some blanks from earlier ones",
    "hard": "most blanks from earlier ones, and no formulas of the backward pass",
}
MOST_NUMBERS = {"easy": 12, "medium": 20, "hard": 24}  # that one answer is made of
MOST_OF_A_VALUE = 2  # blanks in one tensor
ZEROS = 0.25  # the share of answers that may be 0


def choose(
    candidates: Candidates,
    topics: Sequence[Topic],
    count: int,
    difficulty: Difficulty,
    decimals: int,
) -> list[Candidate]:
    """Choose the blanks of a sheet, in the order in which they can be worked out."""
    pools = candidates.of_topics(topics)
    chosen: list[Candidate] = []
    while len(chosen) < count:
        before = len(chosen)
        for topic in topics:
            if len(chosen) == count:
                break
            candidate = _next(pools[topic], chosen, count, difficulty, candidates, decimals)
            if candidate is not None:
                pools[topic].remove(candidate)
                chosen.append(candidate)
        if len(chosen) == before:
            break
    return sorted(chosen, key=lambda each: each.order)


def _next(
    pool: Iterable[Candidate],
    chosen: Sequence[Candidate],
    count: int,
    difficulty: Difficulty,
    candidates: Candidates,
    decimals: int,
) -> Candidate | None:
    counts = Counter(each.tensor for each in chosen)
    varied = sorted(pool, key=lambda each: counts[each.tensor])
    fitting = (
        each for each in varied if _fits(each, chosen, count, difficulty, candidates, decimals)
    )
    if difficulty == "easy" or (difficulty == "medium" and candidates.rng.random() < 0.5):
        return next(fitting, None)
    return max(fitting, key=lambda each: _links(each, chosen), default=None)


def _links(candidate: Candidate, chosen: Sequence[Candidate]) -> int:
    """Return how many chosen blanks a candidate uses or goes into."""
    return sum(other.name in candidate.names or candidate.name in other.names for other in chosen)


def _fits(
    candidate: Candidate,
    chosen: Sequence[Candidate],
    count: int,
    difficulty: Difficulty,
    candidates: Candidates,
    decimals: int,
) -> bool:
    if len(candidate.names) > MOST_NUMBERS[difficulty]:
        return False
    if Counter(each.tensor for each in chosen)[candidate.tensor] >= MOST_OF_A_VALUE:
        return False
    if difficulty == "easy" and _links(candidate, chosen):
        return False
    if candidate.value == 0:
        if candidate.topic != "gates":
            return False
        if sum(each.value == 0 for each in chosen) + 1 > max(1, ZEROS * count):
            return False
    elif abs(candidate.value) < 10.0 ** (1 - decimals):  # less than two digits of it are asked for
        return False
    blanks = {each.name for each in (*chosen, candidate)}
    return not any(
        shown not in blanks and blank in blanks
        for each in (*chosen, candidate)
        for shown, blank in candidates.telling(each)
    )
