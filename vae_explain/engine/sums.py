"""The sum of what comes back to an element by each way: as it is computed, or folded."""

from __future__ import annotations

from collections.abc import Sequence

from ..ops.at_once import Summands, abridged, chooses, depends_on_place, is_long
from ..quick_classes import NamedTuple
from ..symbolic.expression import Add, Expression, Number
from ..symbolic.simplify import product_of, simplify, split_terms


class Contribution(NamedTuple):
    """A summand of a gradient: the named value that it arrives through, and its expression."""

    through: int
    expression: Expression


class Arrival(NamedTuple):
    """One or many summands of a gradient that arrive through the same named value."""

    through: int
    summands: Summands


def added(group: Sequence[Summands]) -> Expression:
    """Write a sum as it is computed, of a long one the largest summands alone."""
    if is_long(sum(part.terms for part in group)):
        return abridged(group)
    return Add(tuple(term for part in group for term in part.all_written()))


def folded(group: Sequence[Summands]) -> Expression:
    """Write a sum with its constants folded, those of a long one in its summand's formula."""
    if not is_long(sum(part.terms for part in group)):
        return simplify(added(group))
    few: list[Expression] = []
    many: list[tuple[float, Summands]] = []
    for part in group:
        for coefficient, factors in split_terms(part.formula):
            body = product_of(1.0, factors)
            if depends_on_place(body):
                many.append((coefficient, Summands(body, part.shape)))
            else:  # the same number each time
                few.append(product_of(coefficient * part.terms, factors))
    few = [term for term in few if term != Number(0.0)]
    if not is_long(sum(part.terms for _, part in many)):
        return simplify(
            Add((*few, *(Number(c) * term for c, part in many for term in part.all_written())))
        )
    sizes = {abs(coefficient) for coefficient, _ in many}
    common = sizes.pop() if len(sizes) == 1 and not few else 1.0
    if any(chooses(part.formula) for _, part in many):
        common = 1.0
    parts = [
        Summands(product_of(coefficient / common, (part.formula,)), part.shape)
        for coefficient, part in many
    ]
    total = abridged([*map(Summands, few), *parts], simplify)
    return Number(common) * total if common != 1 else total
