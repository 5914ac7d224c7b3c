"""What a table says of one of its numbers, and whether that holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.damages import damages, one_digit_apart
from ..arithmetic.evaluation import CannotEvaluate, as_rounded, half
from ..arithmetic.intervals import all_meet, exactly
from ..arithmetic.known import as_text
from ..arithmetic.sides import ComparedSides
from ..grammar.cursor import Unreadable, literal
from ..grammar.syntax import Literal, Sum, Tree, literals, mapped


class ColumnClaim(NamedTuple):
    """A number in a table, and what its column says that it is.

    Attributes
    ----------
    needed
        How many numbers of the column must be so before it is believed of the others, where
        no heading says it.
    instead
        A number that it follows from and that is wrong, and what it should be.
    held
        Whether it was found to hold, as far as its numbers are rounded.
    meant
        The formula that the heading should have, where all numbers say so.
    sound
        The numbers, by identity, that others bear out, so that they are not to blame.
    """

    pair: ComparedSides
    says: str
    line: int
    needed: int = 0
    instead: tuple[Literal, Literal] | None = None
    sound: Collection[int] = ()
    held: bool = False
    meant: Tree | None = None

    @property
    def numbers(self) -> list[Literal]:
        """Its numbers, the one that it is said of last."""
        return [*literals(self.pair.left), *literals(self.pair.right)]

    @property
    def is_of_zeros(self) -> bool:
        """Whether a number is 0, or all but one of those that it is the sum of."""
        left, number = self.pair.left, self.pair.right
        terms = left.terms if isinstance(left, Sum) else ()
        zeros = sum(isinstance(term, Literal) and not term.value for term in terms)
        return (isinstance(number, Literal) and not number.value) or 0 < len(terms) <= zeros + 1


def by_number(claims: Sequence[ColumnClaim]) -> dict[tuple[int, str], list[ColumnClaim]]:
    """Return what is said of each number of a table, by its line and digits."""
    found: dict[tuple[int, str], list[ColumnClaim]] = {}
    for claim in claims:
        for number in claim.numbers:
            found.setdefault((number.line, number.text), []).append(claim)
    return found


def believed(claims: Sequence[ColumnClaim]) -> Sequence[ColumnClaim]:
    """Return claims if most of them hold, or half of those of a heading, and so many as needed.

    Zeros hold by chance, as where a unit is off.
    """
    needed = max((claim.needed for claim in claims), default=0)
    telling = [claim for claim in claims if not (needed and claim.is_of_zeros)]
    if len(claims) > 1 and not any(claim.pair.agree() for claim in claims):
        return ()  # no one damages all of a column
    right = sum(map(holds, telling))
    return claims if right >= needed and 2 * right + (not needed) > len(telling) else ()


def holds(claim: ColumnClaim) -> bool:
    """Whether a claim holds; one that needs no others to be believed, but for a damaged digit."""
    number = claim.pair.right
    assert isinstance(number, Literal), "a claim is of one number"
    agrees = claim.pair.agree()
    if number.whole and abs(number.value) < 10:
        # A count or a truth value: not 0.5 rounded, and no digit of a longer number damaged.
        return agrees and all_meet(claim.pair.found(as_rounded), exactly(number.value))
    if agrees or claim.needed > 1:
        return agrees
    try:
        bounds = claim.pair.found(as_rounded)
    except CannotEvaluate:
        return False
    if bounds.shape:  # a list, of which a cell is no claim
        return False
    if any(all_meet(bounds, half(meant)) for meant in damages(number)):
        return True
    return one_digit_apart(number.text, as_text(float(bounds.middle), number))


def with_number(claim: ColumnClaim, at: tuple[int, str], text: str) -> ColumnClaim:
    """Return a claim with one of its numbers another, found by its line and digits."""
    try:
        new = literal(text, at[0])
    except (Unreadable, ValueError):
        return claim

    def change(part: Tree) -> Tree:
        return new if isinstance(part, Literal) and (part.line, part.text) == at else part

    left, right = (mapped(side, change) for side in claim.pair[:2])
    return claim._replace(pair=claim.pair._replace(left=left, right=right))
