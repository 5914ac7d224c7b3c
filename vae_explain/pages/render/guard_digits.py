"""How many digits the numbers of a line need, so that the line gives its result as printed.

A printed line is a claim about the printed numbers: evaluated exactly as it stands, from its
operands as printed, it gives its result as printed. Operands that were cut get further digits
for that, called guard digits, and no more than it takes. Every format asks here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Context, Decimal, localcontext

from ...quick_classes import NamedTuple
from ...symbolic.expression import (
    FUNCTIONS,
    Add,
    Apply,
    Div,
    Expression,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    nodes,
    rebuilt,
    terms_of,
)
from ...symbolic.measure import evaluate

# Further decimals with which any number is whole: a float64 has so many significant digits, and
# a number is written with its first one at least.
WHOLE = 17
SIGNIFICANT = 2  # digits that a result keeps at least
# What is infinite or undefined is found by its value.
EXACT = Context(prec=50, traps=[])

TO_ALL_DIGITS: dict[str, Callable[[Decimal], Decimal]] = {
    "exp": Decimal.exp,
    "log": Decimal.ln,
    "sqrt": Decimal.sqrt,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "tanh": lambda x: 1 - 2 / (1 + (2 * x).exp()),
    "softplus": lambda x: (1 + x.exp()).ln(),
}
# Functions that are computed alike wherever there are float64 numbers.
OF_ANY_LIBRARY = {"exp", "log", "sqrt", "relu", "abs", "gate", "max"}

WriteLeaf = Callable[[Number | Ref, int], str]


class Digits(NamedTuple):
    """With how many digits a line is written.

    Attributes
    ----------
    guards
        How many further decimals its operands get, those that are cut.
    result
        Its result as it is printed.
    holds
        Whether the line, read from its own text, gives that.
    shorter
        Whether the result is not the run's number to the digits that this usually has, since
        the run rounded on the way. Then the run's number is to stand behind it.
    """

    guards: int
    result: str
    holds: bool
    shorter: bool


def digits_for(
    expression: Expression, shown: float, result_text: str, write_leaf: WriteLeaf
) -> Digits:
    """Choose the digits of one line: the result's usual ones, if whole operands give them.

    Parameters
    ----------
    expression
        The arithmetic, over single numbers.
    shown
        The result in the run, which may have been rounded on the way.
    result_text
        The result as it is usually printed.
    write_leaf
        Writes an operand with so many further decimals than it usually has.
    """
    leaves = [node for node in nodes(expression) if isinstance(node, Number | Ref)]
    if not all(map(math.isfinite, (shown, *(float(leaf.value) for leaf in leaves)))):
        return Digits(0, result_text, True, False)

    def value(further: int) -> Decimal:
        return _value(expression, iter([_number(write_leaf(leaf, further)) for leaf in leaves]))

    def whole(leaf: Number | Ref) -> bool:
        return float(_number(write_leaf(leaf, WHOLE))) == leaf.value

    with localcontext(EXACT):
        values = [value(0)]  # with 0, 1, 2, … further decimals
        if _gives(values[0], result_text):
            return Digits(0, result_text, True, False)
        exact = value(WHOLE)
        if not exact.is_finite():
            return Digits(0, result_text, False, False)

        def guards_for(text: str) -> int | None:
            if not _gives(exact, text):
                return None
            for further in range(WHOLE):
                if further == len(values):
                    values.append(value(further))
                if _gives(values[further], text):
                    return further
            return WHOLE

        usual = _decimals(result_text)
        for text in _candidates(shown, result_text):
            guards = guards_for(text)
            if guards is not None:
                shorter = ("e" in text and "e" not in result_text) or _decimals(text) < usual
                return Digits(guards, text, True, shorter)
            is_whole = text == result_text and float(text) == shown
            if is_whole and all(map(whole, leaves)) and _in_float64(expression, shown):
                return Digits(WHOLE, text, True, False)  # every digit, of operands that have all
        text = _as_usual(exact, result_text)
        guards = guards_for(text)
        return Digits(guards or 0, text, guards is not None, True)


def lengthened(text: str, whole: Decimal, further: int) -> str:
    """Write a number with further decimals than a text of it has, as far as it has any.

    Examples
    --------
    >>> lengthened("0.3333", Decimal("0.33333333"), 2), lengthened("0.5000", Decimal("0.5"), 2)
    ('0.333333', '0.5000')
    >>> lengthened("6.1e-07", Decimal("6.125e-7"), 1)
    '6.12e-07'
    """
    decimals = _decimals(text)
    exponent = whole.adjusted() if "e" in text else 0
    own = exponent - int(whole.normalize().as_tuple().exponent)
    return text if own <= decimals else _written(whole, min(decimals + further, own), "e" in text)


def _candidates(shown: float, text: str) -> Iterator[str]:
    """Yield a result as usual, then with more decimals, then with ever fewer digits."""
    yield text
    whole, scientific = Decimal(repr(shown)), "e" in text
    longer = (lengthened(text, whole, further) for further in (1, 2))
    yield from (each for each in longer if each != text)
    for decimals in range(_decimals(text) - 1, -1, -1):
        shorter = _written(whole, decimals, scientific)
        if _significant(shorter) < SIGNIFICANT:
            return
        yield shorter
    if not scientific:  # a large number, whose last digits are those of the run as well
        for decimals in range(whole.adjusted() - 1, SIGNIFICANT - 2, -1):
            yield _written(whole, decimals, True)


def _as_usual(exact: Decimal, text: str) -> str:
    """Write what a line gives with as many decimals as a text; never as a zero that is none."""
    written = _written(exact, _decimals(text), "e" in text)
    is_lost = bool(exact) and not Decimal(written)
    return _written(exact, SIGNIFICANT - 1, True) if is_lost else written


def _written(number: Decimal, decimals: int, scientific: bool) -> str:
    if not scientific:
        return f"{number:.{decimals}f}"
    mantissa, _, exponent = f"{number:.{decimals}e}".partition("e")
    return f"{mantissa}e{int(exponent):+03d}"


def _decimals(text: str) -> int:
    return len(text.partition("e")[0].partition(".")[2])


def _significant(text: str) -> int:
    return len(text.partition("e")[0].replace(".", "").lstrip("-0"))


def _gives(value: Decimal, text: str) -> bool:
    """Whether a number rounds to a text; a tie does to either side."""
    printed = Decimal(text)
    half = Decimal((0, (5,), int(printed.as_tuple().exponent) - 1))
    return abs(value - printed) <= half


def _number(text: str) -> Decimal:
    """Read a leaf as it is written: a number, or the fraction of a mean in parentheses."""
    if not text.endswith(")"):
        return Decimal(text)
    sign = -1 if text.startswith("-") else 1
    above, _, below = text.strip("-()").partition("/")
    return sign * Decimal(above) / Decimal(below)


def _in_float64(expression: Expression, shown: float) -> bool:
    """Whether float64 gives a number, computed as the tree is or as its text is read.

    Sums within sums and products within products have no parentheses. The last digit of a
    function such as a sigmoid depends on how it is computed.
    """
    return shown == evaluate(expression) == evaluate(_flat(expression))


def _flat(expression: Expression) -> Expression:
    match expression:
        case Add(terms):
            return Add(tuple(part for term in terms for part in terms_of(_flat(term))))
        case Mul(factors):
            return Mul(tuple(part for factor in factors for part in _factors_of(_flat(factor))))
        case Apply(function) if function not in OF_ANY_LIBRARY:
            return Number(math.nan)
        case _:
            return rebuilt(expression, _flat)


def _factors_of(expression: Expression) -> tuple[Expression, ...]:
    return expression.factors if isinstance(expression, Mul) else (expression,)


def _value(expression: Expression, numbers: Iterator[Decimal]) -> Decimal:
    """Evaluate a tree with other numbers for its leaves, given in their order."""
    match expression:
        case Number() | Ref():
            return next(numbers)
        case Add(terms):
            return sum((_value(term, numbers) for term in terms), Decimal(0))
        case Mul(factors):
            return math.prod((_value(factor, numbers) for factor in factors), start=Decimal(1))
        case Neg(body):
            return -_value(body, numbers)
        case Div(above, below):
            return _value(above, numbers) / _value(below, numbers)
        case Pow(base, exponent):
            raised, power = _value(base, numbers), _value(exponent, numbers)
            return raised**power if power else Decimal(1)
        case Apply(function, (argument,)) if function in TO_ALL_DIGITS:
            return TO_ALL_DIGITS[function](_value(argument, numbers))
        case Apply("max", arguments):
            return max(_value(argument, numbers) for argument in arguments)
        case Apply(("argmax" | "argmin") as place, arguments):
            several = [_value(argument, numbers) for argument in arguments]
            best = max(several) if place == "argmax" else min(several)
            return Decimal(several.index(best))
        case Apply(function, (argument,)):
            return Decimal(FUNCTIONS[function].value(float(_value(argument, numbers))))
        case _:
            raise TypeError(f"{type(expression).__name__} stands for a whole tensor, not a number")
