"""Whether a result is right, and a number that was put into its arithmetic is wrong.

One sign, two digits in a row, a lost point or a percent sign: where one of these in an operand
gives what is printed at every digit, the operand explains it. So does a number with few digits
that gives a result with many. What stands elsewhere in the document too is seldom wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ....quick_classes import NamedTuple
from ....trace import Array
from .cursor import literal
from .damages import damages, one_digit_apart
from .demands import rearranged, solved
from .evaluation import CannotEvaluate, as_printed, evaluate, half
from .intervals import Range, all_meet
from .judging import SLIP, EquationMistake
from .known import FAR
from .seen import Seen
from .syntax import (
    FunctionCall,
    Literal,
    Negative,
    Row,
    Sum,
    Tree,
    inside,
    is_bare,
    is_numeric,
    literals,
    negated,
    parts,
    replaced,
    with_part,
)

FEWEST_DIGITS = 2  # of a result, for it to speak against an operand
TELLING = 3  # digits that a result must have, or have more than an operand that is solved for
MANY = 6  # digits of a result that no other operand gives by chance
MOST_OPERANDS = 40
MOST_TIMES = 100  # a number that another one was meant for, unless it lost its point
EXCHANGED = 3  # how likely results were exchanged, rather than what they follow from
NEARER = 0.05  # of how far a result is off, and less of it, where it is miscalculated besides
FAR_NEARER = 1e-5  # likewise, where the rest of the document does not say which number is meant
TIE = 1 + 1e-6  # a number halfway between two may be rounded to either
FEW = 8  # operands of which it is no chance that another number of one explains a result


class _Other(NamedTuple):
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


def wrong_operand(
    tree: Tree,
    printed: Sequence[Literal],
    mistakes: Sequence[EquationMistake],
    seen: Seen,
    right: int,
    earlier: Sequence[Range] = (),
) -> EquationMistake | None:
    """Return the operand that is more likely wrong than what is printed as the result.

    Parameters
    ----------
    mistakes
        What is wrong if the operands are right; none where they give no number.
    right
        Whether what follows bears the result out, or -1 where it bears out what it should be.
    earlier
        What sides before the arithmetic come to, which it has to agree with.
    """
    digits = max((number.significant for number in printed), default=0)
    slips = bool(mistakes) and all(mistake.off <= SLIP for mistake in mistakes)
    few = digits < FEWEST_DIGITS and right < 1
    if not is_numeric(tree) or (is_bare(tree) and right < 1) or few:
        return None
    operands = literals(tree)
    if len(operands) > MOST_OPERANDS or any(_comes_to(tree, v, printed) for v in earlier):
        return None
    others = [
        other
        for place in range(len(operands))
        for other in _others(tree, place, printed, seen, 0.5 if slips else 1.0, right > 0)
        if not slips or seen.speaks_for(other.new.value, other.old) > 0
    ]
    own = _open(tree)
    before = [value for value in earlier if own is None or _all_agree([value], own)]
    follow = (o for o in others if _all_agree(before, _open(replaced(tree, o.place, o.new))))
    likeliest = sorted(follow, key=lambda other: (-other.score, -other.seen))
    if not likeliest:
        return None
    best = likeliest[0]
    # One of many numbers explains most results by chance, and so do two of few.
    again = any(o[:2] == best[:2] and o.old != best.old for o in likeliest[1:])
    # A term with the other sign is as well one that the author has added for subtracted.
    added = again and isinstance(tree, Sum) and best.new.value == -best.old.value
    chance = 2 * (len(operands) > FEW or added) or (best.score <= 2 and again)
    if best.score - chance * bool(mistakes) <= of_result(mistakes, seen) - 3 * right:
        return None
    off = abs(best.new.value - best.old.value) / best.old.unit
    return EquationMistake(best.old.text, best.new.text, off, best.old)


def of_result(mistakes: Sequence[EquationMistake], seen: Seen) -> float:
    """Return how likely a result is wrong itself, on the scale of an operand's score."""
    if not mistakes:
        return -3
    if are_exchanged(mistakes):
        return EXCHANGED
    scores: list[float] = []
    for mistake in mistakes:
        number = mistake.number
        if number is None:
            return 3
        slips = [
            other
            for other in damages(number)
            if abs(other.value - mistake.value) <= SLIP * other.unit
        ]
        meant = round(mistake.value, max(0, number.decimals))
        if slips and number.significant >= TELLING:
            scores.append(2 + max(seen.speaks_for(other.value, number) for other in slips))
        else:
            spoken = seen.speaks_for(meant, number)
            theirs = f"{meant:.{max(0, number.decimals)}f}"
            one_digit = spoken > 0 and one_digit_apart(number.text, theirs)
            scores.append(2 * (one_digit or is_damaged(number, mistake.value)) + spoken)
    return max(scores) if len(scores) == 1 else min(scores)


def is_damaged(number: Literal, meant: float) -> bool:
    """Whether one small thing makes the number that is meant the one that is printed."""
    if any(abs(other.value - meant) <= other.unit / 2 for other in damages(number)):
        return True
    if abs(number.value - 100 * meant) <= number.unit / 2:
        return True  # a percentage without its sign
    if _is_square(number, meant):
        return True
    theirs = f"{meant:.{max(0, number.decimals)}f}"
    return number.significant > TELLING and one_digit_apart(number.text, theirs)


def _others(
    tree: Tree, place: int, printed: Sequence[Literal], seen: Seen, by: float, right: bool
) -> Iterator[_Other]:
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
    telling = old.significant > (TELLING if old.whole else 1)
    # Else the author has added where the arithmetic subtracts.
    keeps_sign = isinstance(tree, Sum) and seen.bears_out_sign(old)
    for new in (*damages(old), *(seen.like(old) if telling else ())):
        if new.value == -old.value and keeps_sign:
            continue
        spoken = seen.speaks_for(new.value, old)
        other = replaced(tree, place, new)
        nearer = NEARER if seen.is_rarer(old.value, new) else FAR_NEARER * (spoken > 0)
        miscalculated = bool(nearer) and _nears(tree, other, printed, nearer)
        if miscalculated or gives(other, printed, by if spoken > 0 else 0.5):
            yield _Other(2 + spoken, seen.prefers(new, old), place, old, new)
    if len(printed) != 1 or printed[0].significant < TELLING:
        return
    solution = solved(tree, place, _middle, half(printed[0]), finer=0)
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
        yield _Other(1 + telling + spoken, prefers, place, old, new)
        return
    longer = printed[0].significant - old.significant >= TELLING
    if longer and not old.whole and _are_alike(old, new):
        yield _Other(1 + spoken, prefers, place, old, new)


def _first_digit(tree: Tree, place: int, printed: Sequence[Literal]) -> Literal | None:
    """Return an operand with another first digit, if with one it gives what is printed."""
    old = literals(tree)[place]
    at = next((i for i, sign in enumerate(old.text) if sign.isdigit()), 0)
    texts = (f"{old.text[:at]}{digit}{old.text[at + 1 :]}" for digit in range(10))
    others = [literal(text, old.line) for text in texts if text != old.text]
    right = [other for other in others if gives(replaced(tree, place, other), printed)]
    return right[0] if len(right) == 1 else None


def _are_alike(old: Literal, new: Literal) -> bool:
    """Whether two numbers are so near in size that an author may have meant one for the other."""
    sizes = sorted((abs(old.value), abs(new.value)))
    return sizes[1] <= MOST_TIMES * sizes[0]


def tells(printed: Sequence[Literal]) -> bool:
    """Whether a result has so many digits that it tells what it follows from."""
    return sum(number.significant for number in printed) >= TELLING


def rearranged_operand(tree: Tree, printed: Sequence[Literal]) -> EquationMistake | None:
    """Return the first number that is another in a list put in, whose numbers are in disorder."""
    if not tells(printed):
        return None
    for part, put_back in _lists_in(tree) if len(literals(tree)) <= MOST_OPERANDS else ():
        for other in rearranged(part):
            if isinstance(other.old, Row) and gives(put_back(other.value), printed):
                pairs = zip(literals(part), literals(other.value), strict=True)
                ours, theirs = next(pair for pair in pairs if pair[0] != pair[1])
                return EquationMistake(ours.text, theirs.text, 1.0, ours)
    return None


def is_negated(tree: Tree, number: Literal) -> bool:
    """Whether arithmetic comes to a number with another sign, and no number of it has lost one."""
    operands = literals(tree)
    if not tells([number]) or not 1 < len(operands) <= MOST_OPERANDS:
        return False
    factors = enumerate(operands)  # of `1/2` none has a sign of its own
    lost = (replaced(tree, i, negated(one)) for i, one in factors if one.text not in ("1", "2"))
    return gives(Negative(tree), [number]) and not any(gives(one, [number]) for one in lost)


def exchanged_terms(tree: Tree) -> tuple[Literal, Literal] | None:
    """Return the two numbers of a difference, which may have changed places."""
    match tree:
        case Sum((Literal() as one, Negative(Literal() as other))):
            return one, other
    return None


def _lists_in(tree: Tree) -> Iterator[tuple[Row, Callable[[Tree], Tree]]]:
    """Yield the lists of arithmetic, those of a softmax too, and what puts another in."""
    for part in inside(tree):
        if isinstance(part, Row) and is_bare(part):
            yield part, partial(with_part, tree, part)
        elif isinstance(part, FunctionCall) and len(part.arguments) > 1:

            def in_call(row: Tree, call: FunctionCall = part) -> Tree:
                return with_part(tree, call, replace(call, arguments=parts(row)))

            arguments = Row(part.arguments)
            yield from [(arguments, in_call)] if is_bare(arguments) else ()


def slip(tree: Tree, number: Literal, value: float, seen: Seen) -> EquationMistake | None:
    """Return the number of an equation that is off in its last digit, as others show.

    Rounded operands explain a last digit that is another. They do not where the rest of the
    document has the number that would follow from them as they are printed.
    """
    if abs(value - number.value) <= number.unit / 2 * TIE:
        return None
    if seen.is_slip(number, value):
        return EquationMistake.of(number, value)
    if not is_numeric(tree):
        return None
    operands = literals(tree)
    for place, operand in enumerate(operands if len(operands) <= MOST_OPERANDS else ()):
        for by in (-operand.unit, operand.unit):
            if seen.is_slip(operand, operand.value + by):
                text = f"{operand.value + by:.{max(0, operand.decimals)}f}"
                if gives(replaced(tree, place, literal(text, operand.line)), [number]):
                    return EquationMistake.of(operand, operand.value + by)
    return None


def are_squares(mistakes: Sequence[EquationMistake]) -> bool:
    """Whether each number is the square of the one that it should be: a variance for σ."""
    return bool(mistakes) and all(
        mistake.number is not None and _is_square(mistake.number, mistake.value)
        for mistake in mistakes
    )


def _is_square(number: Literal, root: float) -> bool:
    near = abs(root**2 - number.value) <= number.unit
    return near and number.significant >= TELLING and abs(root - number.value) > number.unit


def are_exchanged(mistakes: Sequence[EquationMistake]) -> bool:
    """Whether numbers are those that they should be, in another order."""
    numbers = [mistake.number for mistake in mistakes if mistake.number is not None]
    if not 1 < len(numbers) == len(mistakes):
        return False
    ours, theirs = sorted(n.value for n in numbers), sorted(m.value for m in mistakes)
    unit = max(number.unit for number in numbers)
    return all(abs(a - b) <= unit for a, b in zip(ours, theirs, strict=True))


def gives(tree: Tree, printed: Sequence[Literal], by: float = 0.5) -> bool:
    """Whether arithmetic comes to what is printed, as far as rounding lets it.

    Parameters
    ----------
    by
        Units in its last place by which a result may be off.
    """
    result = _value(tree)
    if result is None or result.low.size != len(printed):
        return False
    return all(all_meet(f, _result(n, by)) for f, n in zip(result.flat(), printed, strict=True))


def _result(number: Literal, by: float) -> Range:
    """Return what a result may be; one of many digits may come from what was not yet rounded."""
    by = number.unit * (SLIP if number.significant >= MANY else by)
    return Range(np.asarray(number.value - by), np.asarray(number.value + by))


def _nears(tree: Tree, other: Tree, printed: Sequence[Literal], nearer: float) -> bool:
    """Whether other arithmetic comes to about what is printed, as one on its own numbers does not.

    A result that was miscalculated in its last digits tells so much of its operands.
    """
    values = [_value(one) for one in (tree, other)]
    if len(printed) != 1 or any(value is None or value.shape for value in values):
        return False
    off, left = (abs(float(v.middle) - printed[0].value) for v in values if v is not None)
    return left <= min(nearer * off, FAR * abs(printed[0].value))


def _comes_to(tree: Tree, value: Range, printed: Sequence[Literal]) -> bool:
    """Whether arithmetic is a value, in the digits of what is printed as its result."""
    result = _value(tree)
    if result is None or not result.low.size == value.low.size == len(printed):
        return False
    pairs = zip(result.flat(), value.flat(), printed, strict=True)
    return all(abs(float(r.middle - v.middle)) <= n.unit for r, v, n in pairs)


def _value(tree: Tree) -> Range | None:
    try:
        return evaluate(tree, as_printed)
    except CannotEvaluate:
        return None


def _open(tree: Tree) -> Range | None:
    """Return what arithmetic may be, each number of it rounded."""
    try:
        return evaluate(tree, half)
    except CannotEvaluate:
        return None


def _all_agree(before: Sequence[Range], value: Range | None) -> bool:
    if value is None:
        return True
    return all(value.shape != other.shape or all_meet(value, other) for other in before)


def _middle(tree: Tree) -> Array | None:
    result = _value(tree)
    return None if result is None else result.middle
