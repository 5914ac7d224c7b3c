"""What a number that was put into arithmetic may have been, by what is printed as its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ....quick_classes import NamedTuple
from ..arithmetic.damages import damages, one_digit_apart
from ..arithmetic.demands import solved
from ..arithmetic.evaluation import half
from ..arithmetic.results import gives, middle_of, nears
from ..arithmetic.seen import Seen
from ..grammar.cursor import literal
from ..grammar.syntax import Literal, Power, Sum, Tree, inside, literals, negated, replaced

TELLING = 3  # digits that a result must have, or have more than an operand that is solved for
MOST_TIMES = 100  # a number that another one was meant for, unless it lost its point
NEARER = 0.05  # of how far a result is off, and less of it, where it is miscalculated besides
NO_CHANCE = 3  # how likely an operand is wrong for which the document has what is needed
FAR_NEARER = 1e-5  # likewise, where the rest of the document does not say which number is meant


class OtherOperand(NamedTuple):
    """An operand, and the number that would explain what is printed.

    Attributes
    ----------
    score
        How likely it is wrong; of two that are as likely, `seen` says more.
    """

    score: int
    seen: int
    place: int
    old: Literal
    new: Literal


def other_operands(
    tree: Tree, place: int, printed: Sequence[Literal], seen: Seen, by: float, right: bool
) -> Iterator[OtherOperand]:
    """Yield what an operand may have been.

    Parameters
    ----------
    by
        Units in its last place by which a result may be off what follows from another number
        of the document.
    right
        Whether what follows bears the result out.
    """
    old = literals(tree)[place]
    if old.whole and any(isinstance(p, Power) and p.exponent is old for p in inside(tree)):
        return  # what is squared is seldom meant to be raised to a power that explains a result
    telling = old.significant > (TELLING if old.whole else 1)
    # Else the author has added where the arithmetic subtracts.
    keeps_sign = isinstance(tree, Sum) and seen.bears_out_sign(old)
    for new in (*damages(old), *(seen.like(old) if telling else ())):
        if new.value == -old.value and keeps_sign:
            continue
        spoken = seen.speaks_for(new.value, old)
        other = replaced(tree, place, new)
        nearer = NEARER if seen.is_rarer(old.value, new) else FAR_NEARER * (spoken > 0)
        miscalculated = bool(nearer) and nears(tree, other, printed, nearer)
        if miscalculated or gives(other, printed, by if spoken > 0 else 0.5):
            yield OtherOperand(2 + spoken, seen.prefers(new, old), place, old, new)
    if len(printed) != 1 or printed[0].significant < TELLING:
        return
    solution = solved(tree, place, middle_of, half(printed[0]), finer=0)
    if solution is None or not gives(solution.value, printed):
        return
    new = literals(solution.value)[place]
    if new.value == -old.value and keeps_sign:
        return
    borne_out = seen.bears_out(printed[0])
    if borne_out and not one_digit_apart(old.text, new.text):
        new = _first_digit(tree, place, printed) or new
    spoken = seen.speaks_for(new.value, old)
    prefers = seen.prefers(new, old)
    one_digit = one_digit_apart(old.text, new.text) and old.value * new.value >= 0
    telling = max(old.significant, new.significant) > 2
    several = old.significant > 1 or old.decimals >= TELLING
    one_digit = one_digit and (telling or several)  # 4 is one digit from any other
    others = [seen.bears_out(n) for i, n in enumerate(literals(tree)) if i != place]
    total = bool(others) and all(others) and not borne_out  # of results that stand elsewhere
    spoken += spoken > 0 and total
    right = right or printed[0].significant > TELLING or (borne_out and telling)
    if one_digit and (right or spoken > 0):
        # Of few digits, one is another in each number that is solved for.
        yield OtherOperand(1 + telling + spoken, prefers, place, old, new)
        return
    for other in _others_of(seen, old, new):
        if gives(replaced(tree, place, other), printed):
            yield OtherOperand(NO_CHANCE, prefers, place, old, other)
            return
    longer = printed[0].significant - old.significant >= TELLING
    if longer and not old.whole and _are_alike(old, new):
        yield OtherOperand(1 + spoken, prefers, place, old, new)


def _others_of(seen: Seen, old: Literal, needed: Literal) -> Iterator[Literal]:
    """Yield the numbers of a document that a result needs for one that stands nowhere else.

    Others of so many digits are what it needs by no chance, as where an operand was halved.
    """
    if seen.stands_elsewhere(old) or old.significant <= TELLING:
        return
    for other in seen.near(abs(needed.value), needed.unit):
        if other.significant > TELLING and other.value != abs(old.value):
            yield negated(other) if needed.value < 0 else other


def _first_digit(tree: Tree, place: int, printed: Sequence[Literal]) -> Literal | None:
    """Return an operand with another first digit, if with one it gives what is printed."""
    old = literals(tree)[place]
    at = next((i for i, sign in enumerate(old.text) if sign.isdecimal()), 0)
    texts = (f"{old.text[:at]}{digit}{old.text[at + 1 :]}" for digit in range(10))
    others = [literal(text, old.line) for text in texts if text != old.text]
    right = [other for other in others if gives(replaced(tree, place, other), printed)]
    return right[0] if len(right) == 1 else None


def _are_alike(old: Literal, new: Literal) -> bool:
    """Whether two numbers are so near in size that an author may have meant one for the other."""
    sizes = sorted((abs(old.value), abs(new.value)))
    return sizes[1] <= MOST_TIMES * sizes[0]
