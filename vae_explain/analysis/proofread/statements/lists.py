"""A list that a document states, and the arithmetic that has its numbers one by one.

`(0.9 − 0.7654)² + (0.2 − 0.312)²` has the numbers of `x = [0.9, 0.2]` in order, and so those of the
list beside it. Where one number of a list is another there by one small thing, or two of them are
exchanged, and the arithmetic comes out, the list is wrong: no name in the arithmetic says so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from ....quick_classes import NamedTuple
from ..arithmetic.damages import damages, one_digit_apart
from ..arithmetic.findings import DocumentFinding
from ..arithmetic.results import gives
from ..grammar.syntax import (
    Literal,
    Negative,
    Product,
    Row,
    Sum,
    Tree,
    is_bare,
    is_numeric,
    key_of,
    literals,
    negated,
    replaced,
    shown,
)
from .chains import Chain

LONGEST = 64  # numbers of a list
SLIP = 1.5  # units in its last place by which a result may be off
TELLING = 4  # digits of the numbers that agree
ENOUGH = 3  # numbers that a row of a matrix and a list share by no chance in a short document
SELDOM = 10  # documents, in one of which some list is like what is put in by chance
OF_OTHERS = 2  # digits of a number that no other example has by chance

Key = tuple[float, ...]


class StatedList(NamedTuple):
    """A list as it is stated, or one row or column of a matrix.

    Attributes
    ----------
    tree
        All that is stated.
    """

    name: str
    tree: Tree
    numbers: tuple[Literal, ...]
    line: int


class TermColumn(NamedTuple):
    """The numbers that stand at one place of each term of a sum.

    Attributes
    ----------
    places
        Where they stand among the numbers of the sum.
    ordered
        Whether their order tells, as each stands beside another number.
    beside
        The other columns.
    negative
        Whether the minus before a term may be this number's, or another's beside it.
    """

    numbers: tuple[Literal, ...]
    places: tuple[int, ...]
    tree: Tree
    result: Literal
    ordered: bool
    beside: tuple[Key, ...] = ()
    negative: tuple[bool, ...] = ()


class _Chance:
    """How likely numbers of lists and of columns are the same though they are others.

    Parameters
    ----------
    lists, columns
        Those of the document, any two of one length of which may be alike.
    """

    def __init__(self, lists: Sequence[StatedList], columns: Sequence[TermColumn]) -> None:
        self._lists = Counter(len(entry.numbers) for entry in lists)
        self._columns = Counter(len(column.numbers) for column in columns)
        whole = dict.fromkeys(entry.tree for entry in lists)
        counts = Counter(number.value for tree in whole for number in literals(tree))
        values = counts.keys()
        # Of many numbers that are the same again and again there are no more to choose from.
        self._different = len(values) if 2 * len(values) <= counts.total() else math.inf
        self._signs = 2 if min(values) < 0 < max(values) else 1

    def explains(self, alike: Sequence[Literal], length: int, ways: int) -> bool:
        """Whether some list and column of a length have these numbers in common by chance.

        Parameters
        ----------
        ways
            In how many ways two of them may be alike in so many numbers.
        """
        told = sum(math.log10(self._choices(n)) for n in alike if n.value and not n.whole)
        pairs = self._lists[length] * self._columns[length]
        return told <= math.log10(max(pairs, 1) * ways * SELDOM)

    def _choices(self, number: Literal) -> float:
        """Return how many numbers of as many digits there may be."""
        return min(9 * 10.0 ** (number.significant - 1) * self._signs, self._different)


def wrong_lists(chains: Sequence[Chain]) -> Iterator[DocumentFinding]:
    """Yield the lists that are another where their numbers are put in, and what is put in wrong."""
    given = [(stated, len(chain.sides)) for chain in chains for stated in _lists(chain)]
    lists = [entry for entry, sides in given if sides == 2]  # and not the result of others
    columns = [column for chain in chains for column in term_columns(chain)] if lists else []
    if not columns:
        return
    used = Counter(key_of_numbers(column.numbers) for column in columns)
    stated = Counter(key_of_numbers(entry.numbers) for entry, _ in given)
    orphans: dict[object, TermColumn] = {}
    for column in columns:
        key = key_of_numbers(column.numbers)
        if stated[key]:
            continue
        beside = any(stated[other] for other in column.beside)
        if column.ordered and (beside or used[key] > 1):
            orphans.setdefault(tuple(sorted(key)), column)
        for mask in _masks(key) if beside or len(key) > 2 else ():
            orphans.setdefault(mask, column)
        if beside and len(key) > 2:
            for i in range(len(key)):
                orphans.setdefault(("lost", *key[:i], *key[i + 1 :]), column)
    chance = _Chance(lists, columns)
    blamed: set[Tree] = set()
    explained: set[Key] = set()
    # That a list has one number more is the least likely of what explains a column.
    for hold in (_held, _held_as_lost):
        for entry in lists:
            key = key_of_numbers(entry.numbers)
            found = hold(entry, key, orphans, used[key], stated, chance)
            if entry.tree in blamed or found is None:
                continue
            finding, column = found
            if hold is _held or key_of_numbers(column.numbers) not in explained:
                blamed.add(entry.tree)
                explained.add(key_of_numbers(column.numbers))
                yield finding


_Held = tuple[DocumentFinding, TermColumn] | None  # what is wrong, and what says so


def _held(
    entry: StatedList,
    key: Key,
    orphans: Mapping[object, TermColumn],
    used: int,
    stated: Mapping[Key, int],
    chance: _Chance,
) -> _Held:
    """Hold a list against the columns that stand in no list."""
    other = orphans.get(tuple(sorted(key)))
    by_chance = chance.explains(entry.numbers, len(key), math.factorial(len(key)))
    if other and not used and stated[key] == 1 and tells(entry.numbers) and not by_chance:
        return _exchanged(entry, other), other
    masked = (orphans.get(mask) for mask in _masks(key))
    found = next((column for column in masked if column is not None), None)
    if found is None:
        return None
    beside = any(stated[other] for other in found.beside)
    wrong = _one_number(entry, found, used + stated[key] - 1, beside, chance)
    return None if wrong is None else (wrong, found)


def _held_as_lost(
    entry: StatedList,
    key: Key,
    orphans: Mapping[object, TermColumn],
    used: int,
    stated: Mapping[Key, int],
    chance: _Chance,
) -> _Held:
    """Hold a list against the columns that have one number more."""
    lost = orphans.get(("lost", *key))
    if (
        lost is None
        or used
        or stated[key] != 1
        or not _telling(entry, entry.numbers, lost, True, chance)
    ):
        return None
    return _lost(entry, lost), lost


def _lists(chain: Chain) -> Iterator[StatedList]:
    """Yield what an equation states as a list: of a matrix all, and its rows and columns."""
    first, last = chain.sides[0].tree, chain.sides[-1].tree
    key = key_of(first) if first is not None else None
    if not key or not isinstance(last, Row) or not is_bare(last):
        return
    line = chain.sides[-1].line
    lists: list[Sequence[Literal]] = [literals(last)]
    rows = [literals(entry) for entry in last.entries]
    if all(len(row) == len(rows[0]) > 1 for row in rows):
        lists += [*rows, *zip(*rows, strict=True)]
    for numbers in lists:
        if 1 < len(numbers) <= LONGEST:
            yield StatedList(key, last, tuple(numbers), line)


def term_columns(chain: Chain) -> Iterator[TermColumn]:
    """Yield the columns of an equation's first sum of alike terms that comes to its result.

    A number alone beside products is added to them, as a bias is.
    """
    last = chain.sides[-1].tree
    for side in chain.sides[:-1]:
        tree = side.tree
        if tree is None or not is_numeric(tree) or not isinstance(last, Literal):
            continue
        terms, start = terms_of(tree)
        sizes = [len(literals(term)) for term in terms]
        size = max(sizes, default=0)
        starts = list(accumulate(sizes, initial=start))
        alike = [(term, at) for term, n, at in zip(terms, sizes, starts, strict=False) if n == size]
        if not set(sizes) <= {1, size} or not 1 < len(alike) <= LONGEST:
            continue
        if not gives(tree, [last], SLIP):
            continue
        columns = [tuple(_signed(term, j) for term, _ in alike) for j in range(size)]
        for j, numbers in enumerate(columns):
            places = tuple(at + j for _, at in alike)
            beside = tuple(key_of_numbers(other) for other in columns if other is not numbers)
            negative = tuple(size > 1 and isinstance(term, Negative) for term, _ in alike)
            yield TermColumn(numbers, places, tree, last, size > 1, beside, negative)
        return


def terms_of(tree: Tree) -> tuple[Sequence[Tree], int]:
    """Return the terms of the sum that a side is, or has as a factor, and what is before them."""
    match tree:
        case Sum(terms):
            return terms, 0
        case Negative(body):
            return terms_of(body)
        case Product(factors, _):
            sums = [i for i, factor in enumerate(factors) if isinstance(factor, Sum)]
            if len(sums) == 1:
                before = sum(len(literals(factor)) for factor in factors[: sums[0]])
                return terms_of(factors[sums[0]])[0], before
    return (), 0


def _signed(term: Tree, place: int) -> Literal:
    """Return a number of a term, with the minus before the term where it is all of it."""
    if isinstance(term, Negative) and isinstance(term.body, Literal):
        return negated(term.body)
    return literals(term)[place]


def key_of_numbers(numbers: Sequence[Literal]) -> Key:
    return tuple(number.value for number in numbers)


def _masks(key: Key) -> Iterator[tuple[float | None, ...]]:
    """Yield a list with each of its numbers left out."""
    yield from ((*key[:i], None, *key[i + 1 :]) for i in range(len(key)))


def tells(numbers: Sequence[Literal]) -> bool:
    return _digits(numbers) >= TELLING


def _digits(numbers: Sequence[Literal]) -> int:
    """Return how many digits of measured numbers there are."""
    return sum(n.significant for n in numbers if n.value and not n.whole)


def _telling(
    entry: StatedList, alike: Sequence[Literal], column: TermColumn, beside: bool, chance: _Chance
) -> bool:
    """Whether a list is a column's by what they share, and by the list that the column is beside.

    Of a matrix, some row or column may have two numbers of few digits in common by chance.
    """
    if beside and len(literals(entry.tree)) == len(entry.numbers):
        return tells(literals(column.tree))
    enough = beside and len(alike) >= ENOUGH
    # Any of its numbers may be the one that is not alike.
    length = len(column.numbers)
    by_chance = chance.explains(alike, length, length)
    return not by_chance and tells(literals(column.tree) if enough else alike)


def _exchanged(entry: StatedList, column: TermColumn) -> DocumentFinding:
    number, meant = next(
        (a, b) for a, b in zip(entry.numbers, column.numbers, strict=True) if a.value != b.value
    )
    expected = ", ".join(other.text for other in column.numbers)
    reason = f"{shown(column.tree)} has the numbers of {entry.name} as {expected}"
    return DocumentFinding(number.line or entry.line, number.text, meant.text, reason, "B")


def _lost(entry: StatedList, column: TermColumn) -> DocumentFinding:
    printed = ", ".join(number.text for number in entry.numbers)
    expected = ", ".join(number.text for number in column.numbers)
    reason = f"{entry.name} has lost a row: {shown(column.tree)} has {expected}"
    line = entry.numbers[0].line or entry.line
    return DocumentFinding(line, printed, expected, reason, "B")


def _one_number(
    entry: StatedList, column: TermColumn, borne_out: int, beside: bool, chance: _Chance
) -> DocumentFinding | None:
    beside_each = enumerate(zip(entry.numbers, column.numbers, strict=True))
    place, (ours, theirs) = next((i, p) for i, p in beside_each if p[0].value != p[1].value)
    if column.negative[place] and theirs.value == -ours.value:
        return None
    others = [*entry.numbers[:place], *entry.numbers[place + 1 :]]
    elsewhere = any(number.value == theirs.value for number in literals(entry.tree))
    telling = _telling(entry, others, column, beside, chance)
    likely = _is_damaged(ours, theirs) or (beside and (elsewhere or theirs.value == -ours.value))
    if len(others) < 2 or not telling or not likely:
        return None
    other = replaced(column.tree, column.places[place], ours)
    if gives(other, [column.result]) and (borne_out or not beside):  # it comes out with either
        if borne_out:
            reason = f"{ours.text} is that number of {entry.name}, but {theirs.text} is put in"
            return DocumentFinding(theirs.line, theirs.text, ours.text, reason, "B")
    elif not borne_out:
        reason = f"{shown(column.tree)} has {theirs.text} for that number of {entry.name}"
        return DocumentFinding(ours.line or entry.line, ours.text, theirs.text, reason, "B")
    return None


def _is_damaged(number: Literal, meant: Literal) -> bool:
    """Whether one small thing makes one number another, of so many digits that none is chance."""
    if max(number.significant, meant.significant) < OF_OTHERS or meant.whole:
        return False
    slips = any(other.value == meant.value for other in damages(number))
    decimals = max(number.decimals, meant.decimals)
    texts = (f"{value:.{decimals}f}" for value in (number.value, meant.value))
    return slips or one_digit_apart(*texts)
