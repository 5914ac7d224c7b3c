"""Whether a result is right, and a number that was put into its arithmetic is wrong.

One sign, two digits in a row, a lost point or a percent sign: where one of these in an operand
gives what is printed at every digit, the operand explains it. So does a number with few digits
that gives a result with many. What stands elsewhere in the document too is seldom wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ....trace import Array
from .damages import damages
from .demands import solved
from .evaluation import CannotEvaluate, as_printed, evaluate, half
from .intervals import Range, all_meet
from .judging import SLIP, EquationMistake
from .syntax import Literal, Tree, is_bare, is_numeric, literals, replaced

FEWEST_DIGITS = 2  # of a result, for it to speak against an operand
TELLING = 3  # digits that a result must have, or have more than an operand that is solved for
MOST_OPERANDS = 40


class Seen:
    """The numbers of a document, and how often each stands in it."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self.counts = Counter(_rounded(n.value) for tree in trees for n in literals(tree))

    def speaks_for(self, new: float, old: float) -> int:
        """Return how much the rest of a document speaks for a number in place of another."""
        new, old = _rounded(new), _rounded(old)
        if new == -old:
            return (self.counts[new] > 0) - (self.counts[old] > 1)
        changed, kept = (self.counts[size] + self.counts[-size] for size in (new, old))
        return (changed > 0) - (kept > 1)


def _rounded(number: float) -> float:
    return float(f"{number:.10g}")


class _Other(NamedTuple):
    """An operand, and the number that would explain what is printed."""

    score: int
    old: Literal
    new: Literal


def wrong_operand(
    tree: Tree,
    printed: Sequence[Literal],
    mistakes: Sequence[EquationMistake],
    seen: Seen,
    right: bool,
) -> EquationMistake | None:
    """Return the operand that is more likely wrong than what is printed as the result.

    Parameters
    ----------
    mistakes
        What is wrong if the operands are right; none where they give no number.
    right
        Whether what follows bears the result out.
    """
    digits = max((number.significant for number in printed), default=0)
    slips = mistakes and all(mistake.off <= SLIP for mistake in mistakes)
    few = digits < FEWEST_DIGITS and not right
    if not is_numeric(tree) or (is_bare(tree) and not right) or few or slips:
        return None
    operands = literals(tree)
    if len(operands) > MOST_OPERANDS:
        return None
    others = [o for place in range(len(operands)) for o in _others(tree, place, printed, seen)]
    best = max(others, key=lambda other: other.score, default=None)
    if best is None or best.score <= of_result(mistakes, seen) - 3 * right:
        return None
    off = abs(best.new.value - best.old.value) / best.old.unit
    return EquationMistake(best.old.text, best.new.text, off, best.old)


def of_result(mistakes: Sequence[EquationMistake], seen: Seen) -> int:
    """Return how likely a result is wrong itself, on the scale of an operand's score."""
    if not mistakes:
        return -3
    scores = []
    for mistake in mistakes:
        if mistake.number is None:
            return 3
        damaged = is_damaged(mistake.number, mistake.value)
        scores.append(2 * damaged + seen.speaks_for(mistake.value, mistake.number.value))
    return max(scores) if len(scores) == 1 else min(scores)


def is_damaged(number: Literal, meant: float) -> bool:
    """Whether one small thing makes the number that is meant the one that is printed."""
    if any(abs(other.value - meant) <= other.unit / 2 for other in damages(number)):
        return True
    if abs(number.value - 100 * meant) <= number.unit / 2:
        return True  # a percentage without its sign
    ours = number.text.lstrip("+-")
    theirs = f"{abs(meant):.{max(0, number.decimals)}f}"
    differing = sum(a != b for a, b in zip(ours, theirs, strict=False))
    return len(ours) == len(theirs) and differing == 1 and number.significant > TELLING


def _others(tree: Tree, place: int, printed: Sequence[Literal], seen: Seen) -> Iterator[_Other]:
    old = literals(tree)[place]
    for new in damages(old):
        if _gives(replaced(tree, place, new), printed):
            yield _Other(2 + seen.speaks_for(new.value, old.value), old, new)
    if len(printed) == 1 and printed[0].significant - old.significant >= TELLING:
        solution = solved(tree, place, _middle, half(printed[0]), finer=0)
        if solution is not None and _gives(solution.value, printed):
            new = literals(solution.value)[place]
            yield _Other(1 + seen.speaks_for(new.value, old.value), old, new)


def _gives(tree: Tree, printed: Sequence[Literal]) -> bool:
    result = _value(tree)
    if result is None or result.low.size != len(printed):
        return False
    return all(all_meet(f, half(n)) for f, n in zip(result.flat(), printed, strict=True))


def _value(tree: Tree) -> Range | None:
    try:
        return evaluate(tree, as_printed)
    except CannotEvaluate:
        return None


def _middle(tree: Tree) -> Array | None:
    result = _value(tree)
    return None if result is None else result.middle
