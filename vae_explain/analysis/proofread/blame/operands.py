"""Whether a result is right, and a number that was put into its arithmetic is wrong.

One sign, two digits in a row, a lost point or a percent sign: where one of these in an operand
gives what is printed at every digit, the operand explains it. So does a number with few digits
that gives a result with many. What stands elsewhere in the document too is seldom wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from ..arithmetic.damages import damages, explains, one_digit_apart
from ..arithmetic.demands import rearranged
from ..arithmetic.intervals import Range
from ..arithmetic.known import FAR
from ..arithmetic.results import all_agree, comes_to, gives, value_of, value_of_rounded
from ..arithmetic.seen import Seen
from ..arithmetic.sides import SLIP, EquationMistake
from ..grammar.cursor import literal
from ..grammar.syntax import (
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
from .other_operands import TELLING, other_operands

FEWEST_DIGITS = 2  # of a result, for it to speak against an operand
MOST_OPERANDS = 40
EXCHANGED = 3  # how likely results were exchanged, rather than what they follow from
TIE = 1 + 1e-6  # a number halfway between two may be rounded to either
FEW = 8  # operands of which it is no chance that another number of one explains a result


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
    if len(operands) > MOST_OPERANDS or any(comes_to(tree, v, printed) for v in earlier):
        return None
    others = [
        other
        for place in range(len(operands))
        for other in other_operands(tree, place, printed, seen, 0.5 if slips else 1.0, right > 0)
        if not slips or seen.speaks_for(other.new.value, other.old) > 0
    ]
    own = value_of_rounded(tree)
    before = [value for value in earlier if own is None or all_agree([value], own)]
    follow = (
        o for o in others if all_agree(before, value_of_rounded(replaced(tree, o.place, o.new)))
    )
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
    return EquationMistake(best.old.text, best.new.text, off, best.old, best.new.value)


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
    if abs(number.value - 100 * meant) <= number.unit / 2:
        return True  # a percentage without its sign
    return _is_square(number, meant) or explains(number, meant, number.significant > TELLING)


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
                return EquationMistake(ours.text, theirs.text, 1.0, ours, theirs.value)
    return None


def misplaced(
    tree: Tree, number: Literal, others: Sequence[Literal]
) -> tuple[Literal, Literal] | None:
    """Return the operand of a result for which another number was meant, and that number."""
    for place, old in enumerate(literals(tree)):
        for new in (signed for other in others for signed in (other, negated(other))):
            value = value_of(replaced(tree, place, new)) if new.value != old.value else None
            if value is None or value.shape:
                continue
            if abs(float(value.middle) - number.value) <= FAR * abs(number.value):
                return old, new
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
    near = abs(root * root - number.value) <= number.unit
    return near and number.significant >= TELLING and abs(root - number.value) > number.unit


def are_exchanged(mistakes: Sequence[EquationMistake]) -> bool:
    """Whether numbers are those that they should be, in another order."""
    numbers = [mistake.number for mistake in mistakes if mistake.number is not None]
    if not 1 < len(numbers) == len(mistakes):
        return False
    ours, theirs = sorted(n.value for n in numbers), sorted(m.value for m in mistakes)
    unit = max(number.unit for number in numbers)
    return all(abs(a - b) <= unit for a, b in zip(ours, theirs, strict=True))
