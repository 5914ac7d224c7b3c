"""A sum written out in numbers, held term by term against the formula that it is of.

Authors leave out zeros, order terms as they like and draw factors out, so the two need not be
built alike: each number is matched with a term of the formula that it may stand for. Where most
have one, what is left is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

from ....quick_classes import NamedTuple
from ..arithmetic import intervals
from ..arithmetic.evaluation import (
    CannotEvaluate,
    Lookup,
    as_printed,
    as_rounded,
    evaluate,
    half,
    nothing,
)
from ..arithmetic.intervals import Range, all_meet, exactly
from ..arithmetic.known import Known
from ..arithmetic.sides import EquationMistake
from ..grammar.syntax import (
    FunctionCall,
    Literal,
    Negative,
    Power,
    Product,
    Sum,
    Symbol,
    Total,
    Tree,
    flattened,
    is_numeric,
    key_of,
    literals,
    shown,
)

FEWEST = 2  # terms that have a match, before one that has none is wrong


class SumTerm(NamedTuple):
    """One term of a sum: what it may be, with the factors before it, and those factors.

    Attributes
    ----------
    value
        A number, or one for each element.
    factor
        What the term was multiplied by.
    pair
        The two numbers that it is the product of, in a product of two lists.
    """

    value: Range
    tree: Tree
    factor: Range
    pair: tuple[Range, ...] = ()


def wrong_terms(
    formula: Tree, written: Tree, lookup: Lookup, known: Known, place: int | None = None
) -> list[EquationMistake] | None:
    """Return the numbers of a sum that no term of its formula is; None where it is another sum.

    Parameters
    ----------
    formula
        A sum, with names.
    written
        What it is said to be, in numbers.
    place
        Which element of the formula it is; None for all of it.
    """

    def value(term: Tree) -> Range:
        leaf = known.as_put_in if _is_one_quantity(term) else known.as_known
        return evaluate(term, leaf, lookup)

    best: list[EquationMistake] | None = None
    for tree in (formula, _without_factor(formula)):
        try:
            expected = _expanded(tree, value, place)
            printed = _expanded(written, lambda t: evaluate(t, as_printed, nothing))
        except CannotEvaluate:
            continue
        if any(term.value.shape != evaluate(term.tree).shape for term in printed):
            return None  # a list, and no sum
        unmatched = _unmatched(expected, printed)
        if unmatched is not None and (best is None or len(unmatched) < len(best)):
            best = unmatched
    return best


def with_term_of(tree: Tree, other: Tree, lookup: Lookup = nothing) -> Tree | None:
    """Return a sum with the one term that other arithmetic has besides all of its own."""

    def value(term: Tree) -> Range:
        return evaluate(term, as_rounded, lookup)

    try:
        ours, theirs = (_expanded(side, value) for side in (tree, other))
    except CannotEvaluate:
        return None
    left = [term for term in theirs if not _is_zero(term)]
    for term in (term for term in ours if not _is_zero(term)):
        same = next((one for one in left if all_meet(one.value, term.value)), None)
        if same is None:
            return None
        left.remove(same)
    few = len(theirs) <= FEWEST and key_of(tree) is None  # but for a quantity of that value
    if len(left) != 1 or few or abs(float(left[0].factor.middle)) != 1:
        return None
    lost = left[0].tree if left[0].factor.middle > 0 else Negative(left[0].tree)
    return Sum((*(tree.terms if isinstance(tree, Sum) else (tree,)), lost))


def _is_one_quantity(tree: Tree) -> bool:
    """Whether a term is a quantity by itself, or so many times of it."""
    factors = tree.factors if isinstance(tree, Product) else (tree,)
    named = [factor for factor in factors if not (isinstance(factor, Literal) and factor.whole)]
    return len(named) == 1 and isinstance(named[0], Symbol)


def _unmatched(
    expected: Sequence[SumTerm], printed: Sequence[SumTerm]
) -> list[EquationMistake] | None:
    left = [term for term in expected if not _is_zero(term)]
    wrong: list[SumTerm] = []
    rounded: list[tuple[Range, SumTerm]] = []
    for term in (term for term in printed if not _is_zero(term)):
        same = next((other for other in left if all_meet(other.value, term.value)), None)
        if same is not None:
            left.remove(same)
        else:
            rounded.append((_allowed(term), term))
    # The most exact first: 0.8² may be anything from 0.56 to 0.72, and 0.6065 may not.
    for allowed, term in sorted(rounded, key=lambda a: float(a[0].high - a[0].low)):
        matches = [t for t in left if all_meet(t.value, allowed)]
        match = min(matches, key=lambda t: _apart(t.value, allowed), default=None)
        if match is None:
            wrong.append(term)
        else:
            left.remove(match)
    matched = len(printed) - len(wrong)
    if len(wrong) != len(left) or matched < FEWEST or 2 * len(wrong) > matched:
        return None
    return [_mistake(term, other) for term, other in zip(wrong, left, strict=True)]


def _mistake(term: SumTerm, expected: SumTerm) -> EquationMistake:
    value = float(intervals.divide(expected.value, term.factor).middle)
    tree = term.tree
    if isinstance(tree, Literal):
        return EquationMistake.of(tree, value)
    factors = literals(tree) if isinstance(tree, Product) else []
    if len(factors) == len(expected.pair) == 2:
        for number, other in permutations(factors):
            for put_in, kept in permutations(expected.pair):
                if all_meet(half(other), kept) and not all_meet(half(number), put_in):
                    right = float(put_in.middle)
                    return EquationMistake.of(number, right)
    if isinstance(tree, Power) and isinstance(tree.base, Literal) and value > 0:
        root = value**0.5 if tree.exponent == Literal("2", 2.0, 0) else value
        return EquationMistake(shown(tree), f"{root:.4g}^2", 1.0)
    return EquationMistake(shown(tree), f"{value:.4g}", 1.0)


def _allowed(term: SumTerm) -> Range:
    bounds = evaluate(term.tree, as_rounded)
    return intervals.multiply(bounds, term.factor)


def _is_zero(term: SumTerm) -> bool:
    return bool(term.value.low <= 0 <= term.value.high)


def _apart(one: Range, other: Range) -> float:
    return abs(float(one.middle - other.middle))


def _without_factor(tree: Tree) -> Tree:
    """Return a sum without the factor before it, which may be drawn out of what is written."""
    while isinstance(tree, Negative):
        tree = tree.body
    if isinstance(tree, Product):
        sums = [factor for factor in tree.factors if not is_numeric(factor)]
        if len(sums) == 1:
            return sums[0]
    return tree


Value = Callable[[Tree], Range]


def _expanded(tree: Tree, value: Value, place: int | None = None) -> list[SumTerm]:
    """Return the terms of a sum, its factors multiplied into them."""
    terms = []
    for term in _parts(tree, value, exactly(1.0), place):
        factors = term.factor.flat() * (term.value.low.size if term.factor.low.size == 1 else 1)
        for number, factor in zip(term.value.flat(), factors, strict=True):
            terms.append(SumTerm(number, term.tree, factor, term.pair))
    return terms


def _parts(tree: Tree, value: Value, factor: Range, place: int | None) -> list[SumTerm]:
    tree = flattened(tree)
    match tree:
        case Sum(terms):
            return [part for term in terms for part in _parts(term, value, factor, place)]
        case Negative(body):
            return _parts(body, value, intervals.negative(factor), place)
        case Total("sum", body):
            parts = _parts(body, value, factor, None)
            size = max(part.value.low.size for part in parts)
            return [_spread(part, size) for part in parts]
        case Power(FunctionCall("norm", (body,)), Literal(value=2.0) as exponent):
            return _parts(Total("sum", Power(body, exponent)), value, factor, None)
        case Product((left, right), (_, "" | "*" | "@")) if lists := _multiplied(
            value(left), value(right), place
        ):
            pairs = zip(*(one.flat() for one in lists), strict=True)
            product = intervals.multiply
            return [SumTerm(product(product(*p), factor), tree, factor, p) for p in pairs]
        case Product(factors, signs):
            inner = [i for i, f in enumerate(factors) if _is_sum(f) and signs[i] != "/"]
            if len(inner) == 1:
                for i, (other, sign) in enumerate(zip(factors, signs, strict=True)):
                    if i != inner[0]:
                        by = intervals.divide if sign == "/" else intervals.multiply
                        factor = by(factor, value(other))
                return _parts(factors[inner[0]], value, factor, place)
    return [SumTerm(intervals.multiply(value(tree), factor).element(place), tree, factor)]


def _multiplied(left: Range, right: Range, place: int | None) -> tuple[Range, Range] | None:
    """Return the two lists of which a product is a sum, of one with a matrix for one element."""
    sizes = left.low.ndim, right.low.ndim
    if place is not None and sizes == (1, 2) and place < right.shape[1]:
        right = Range(right.low[:, place], right.high[:, place])
    elif place is not None and sizes == (2, 1) and place < left.shape[0]:
        left = Range(left.low[place], left.high[place])
    elif place is not None or sizes != (1, 1):
        return None
    return (left, right) if left.low.size == right.low.size > 1 else None


def _is_sum(tree: Tree) -> bool:
    while isinstance(tree, Negative):
        tree = tree.body
    squared = isinstance(tree, Power) and isinstance(tree.base, FunctionCall)
    return isinstance(tree, Sum | Total) or (squared and tree.base.function == "norm")  # type: ignore[union-attr]  # squared says so


def _spread(part: SumTerm, size: int) -> SumTerm:
    """Return a constant in a sum over elements once for each of them."""
    if part.value.low.size == size:
        return part
    low, high = (end.repeat(size) for end in (part.value.low, part.value.high))
    return part._replace(value=Range(low, high))
