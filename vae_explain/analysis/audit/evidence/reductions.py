"""What was done over rows and elements, by the graph and by the run with every row twice."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from .anatomy import Anatomy
from .finding import NotApplied
from .loss_parts import LossPart

DIVIDED_TWICE = "divided twice by the rows"
ROUNDED = 1e-3  # of float32 numbers that were added up in another order


def value_of(anatomy: Anatomy, parts: Sequence[LossPart]) -> int:
    """Return the value nearest to the loss that all of some parts are in, and no other part."""
    mine = [part.summand.value for part in parts]
    others = [p.summand.path for p in anatomy.parts if p.summand.value not in mine]
    for value_id in parts[0].summand.path:
        if all(value_id in part.summand.path for part in parts) and not any(
            value_id in path for path in others
        ):
            return value_id
    return parts[0].summand.value


def undone(anatomy: Anatomy, batch: str) -> float:
    return float(anatomy.rows ** {"averaged": 1, DIVIDED_TWICE: 2}.get(batch, 0))


def over_batch(anatomy: Anatomy, growth: float | None, parts: Sequence[LossPart]) -> str:
    """Say what was done over the rows, by how an element's weight grows with every row twice."""
    if growth is None:
        return "one row" if anatomy.rows == 1 else "not known"
    if abs(growth - 1) < ROUNDED:
        return "summed"
    if abs(growth - 0.5) < ROUNDED:
        return "averaged"
    if abs(growth - 2) < ROUNDED:
        return "multiplied by the rows"
    if abs(growth - 0.25) < ROUNDED:
        return DIVIDED_TWICE
    if any(part.summand.detached for part in parts):
        return "not known"  # of a weight that is taken from the terms' own values
    raise NotApplied("what an element weighs follows the numbers of the batch")


def same_part(anatomy: Anatomy, part: LossPart) -> LossPart | None:
    """Return the part of the second run that is the same as one of the first."""
    twice = anatomy.twice
    at = next(
        (i for i, p in enumerate(anatomy.parts) if p.summand.value == part.summand.value), None
    )
    if twice is None or at is None or len(twice.parts) != len(anatomy.parts):
        return None
    other = twice.parts[at]
    same = other.role == part.role and len(other.summand.averaged) == len(part.summand.averaged)
    return other if same else None


def averages(anatomy: Anatomy, part: LossPart, twin: LossPart | None) -> tuple[int, bool]:
    """Return over how many elements of a row a part was averaged, and whether it was at all."""
    left, rows = list(part.summand.averaged), anatomy.rows
    if twin is not None:
        pairs = list(zip(left, twin.summand.averaged, strict=True))
        left = [size for size, other in pairs if size == other]
        # An axis that holds the rows and more, as the tokens of all sentences.
        left += [a // rows for a, b in pairs if b == 2 * a and a > rows and a % rows == 0]
    elif anatomy.rows in left:
        left.remove(anatomy.rows)
    return prod(left), bool(left)
