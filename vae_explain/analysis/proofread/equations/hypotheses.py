"""Whether one value that is stated wrong explains more than many wrong results.

Each value that does not lead to what follows from it is changed in turn: to the number that was
put into a formula for it, or with two of its numbers exchanged, one of another sign or one that
has lost its point. The one change that leaves the fewest findings, itself counted, is taken; it
is blamed, alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from .chains import Chain
from .columns import ColumnClaim
from .cursor import literal
from .damages import damages
from .findings import DocumentFinding, Doubt
from .run import EquationReader
from .syntax import Literal, Row, Tree, flattened, is_bare, literals, negated, replaced, shown

MOST_TRIES = 60  # readings of a document
MOST_CHAINS = 2000  # in a document that is read so often
MOST_EXCHANGED = 6  # numbers of a list, of which each two are exchanged


class _Change(NamedTuple):
    """A value that may have been meant for the one that is stated."""

    doubt: Doubt
    value: Tree
    printed: str
    expected: str
    why: str
    used: bool  # whether the document itself uses what it is changed to


def with_fewest_findings(
    run: EquationReader, chains: Sequence[Chain], claims: Sequence[ColumnClaim]
) -> list[DocumentFinding]:
    """Return what is wrong in a document, by the hypothesis that explains the most."""
    if not run.doubts or len(chains) > MOST_CHAINS:
        return run.findings
    best, fewest, most = run.findings, len(run.findings) + run.given_up, 0
    changes: dict[tuple[int, str, Tree], _Change] = {}
    for change in _changes(run):
        changes.setdefault((change.doubt.line, change.doubt.key, change.value), change)
    written = [_sizes(s.tree) for c in chains for s in c.sides if s.tree and not is_bare(s.tree)]
    for change in list(changes.values())[:MOST_TRIES]:
        other = EquationReader({(change.doubt.line, change.doubt.key): change.value})
        other.read(chains, claims)
        if other.unjudged > run.unjudged:
            continue  # what can no longer be judged is not explained
        line = change.doubt.line
        itself = any((f.line, f.printed) == (line, change.printed) for f in other.findings)
        count = len(other.findings) + other.given_up + (not itself)
        # All that another author's formulas were given up for, it now explains to the last digit.
        certain = change.used or other.given_up == 0 < run.given_up or _go_on(run, other)
        borne_out = _in_order(change.value, written) - _in_order(change.doubt.value, written)
        alike = certain if best is run.findings else borne_out > most
        if count < fewest or (count == fewest and alike):
            blamed = DocumentFinding(line, change.printed, change.expected, change.why, "B")
            found = other.findings if itself else [blamed, *other.findings]
            best = sorted(found, key=lambda f: f.line)
            fewest, most = count, borne_out
    return best


def _go_on(run: EquationReader, other: EquationReader) -> bool:
    """Whether the document goes on with every number that a hypothesis says is right."""
    gone = set(run.findings) - set(other.findings)
    return bool(gone) and all(run.seen.stands_again(found.printed) for found in gone)


def _sizes(tree: Tree) -> list[float]:
    return [abs(number.value) for number in literals(tree)]


def _in_order(value: Tree, written: Sequence[Sequence[float]]) -> int:
    """Return how often arithmetic has the numbers of a list, or of a column, in their order."""
    value = flattened(value)
    if not isinstance(value, Row):
        return 0
    rows = [_sizes(entry) for entry in value.entries]
    lists = [list(column) for column in zip(*rows, strict=False)]
    return sum(_is_within(numbers, others) for numbers in lists for others in written)


def _is_within(numbers: Sequence[float], others: Sequence[float]) -> bool:
    left = iter(others)
    return all(number in left for number in numbers)


def _changes(run: EquationReader) -> Iterator[_Change]:
    doubts = list(dict.fromkeys(run.doubts))
    for doubt in doubts:
        if doubt.instead is not None and doubt.place is not None:
            yield from _replaced(doubt, doubt.instead, doubt.place)
        elif doubt.instead is not None and isinstance(doubt.value, Literal):
            yield _change(doubt, doubt.instead, doubt.value, doubt.instead, used=True)
        for other in run.stated.get(doubt.key, {}):
            if _one_differs(literals(other), literals(doubt.value)):
                yield _change(doubt, other, doubt.value, other, used=True)
        for place, number in enumerate(literals(doubt.value)):
            for mistake in doubt.mistakes:
                if mistake.is_for(number):
                    put_in = literal(mistake.printed)
                    value = replaced(doubt.value, place, put_in)
                    yield _change(doubt, value, number, put_in, used=True)
    for doubt in {(d.line, d.key): d for d in doubts}.values():
        value = flattened(doubt.value)
        if isinstance(value, Literal):
            for other in damages(value):
                yield _change(doubt, other, value, other)
        elif isinstance(value, Row):
            yield from _rearranged(doubt, value)


def _one_differs(numbers: Sequence[Literal], others: Sequence[Literal]) -> bool:
    """Whether two lists are the same but for one number."""
    differing = sum(a.value != b.value for a, b in zip(numbers, others, strict=False))
    return len(numbers) == len(others) > 1 == differing


def _replaced(doubt: Doubt, instead: Literal, place: int) -> Iterator[_Change]:
    value = flattened(doubt.value)
    if isinstance(value, Row) and place < len(value.entries):
        entry = value.entries[place]
        if is_bare(entry) and not isinstance(entry, Row):
            entries = (*value.entries[:place], instead, *value.entries[place + 1 :])
            yield _change(doubt, Row(entries), entry, instead, used=True)


def _rearranged(doubt: Doubt, value: Row) -> Iterator[_Change]:
    entries, numbers = value.entries, literals(value)
    pairs = combinations(range(len(entries)), 2) if len(numbers) != len(entries) else ()
    for i, j in pairs:  # the rows of a matrix
        order = list(entries)
        order[i], order[j] = order[j], order[i]
        yield _change(doubt, Row(tuple(order)), value, Row(tuple(order)))
    if not all(number.whole for number in numbers):
        for i, number in enumerate(numbers):  # that has lost its point
            for other in damages(number) if number.whole else ():
                yield _change(doubt, replaced(value, i, other), number, other)
    if len(numbers) > MOST_EXCHANGED:
        return
    for i, j in combinations(range(len(numbers)), 2):
        exchanged = replaced(replaced(value, i, numbers[j]), j, numbers[i])
        yield _change(doubt, exchanged, value, exchanged)
    for i, number in enumerate(numbers):
        if number.value:
            yield _change(doubt, replaced(value, i, negated(number)), number, negated(number))


def _change(doubt: Doubt, value: Tree, old: Tree, new: Tree, used: bool = False) -> _Change:
    printed, expected = shown(old), shown(new)
    why = f"what follows from {doubt.key} needs {expected}, but {printed} is printed"
    return _Change(doubt, value, printed, expected, why, used)
